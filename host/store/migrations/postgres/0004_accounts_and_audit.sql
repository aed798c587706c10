-- Who is known to this host: keys, users and sessions, each as JSON without secrets in the clear.
CREATE TABLE accounts (
    kind         TEXT NOT NULL,
    id           TEXT NOT NULL,
    document     TEXT NOT NULL,
    used_unix_ms BIGINT,
    PRIMARY KEY (kind, id)
);

-- What was changed, by whom, and what was refused; each line as JSON.
CREATE TABLE audit (
    id         BIGINT PRIMARY KEY,
    at_unix_ms BIGINT NOT NULL,
    who        TEXT NOT NULL,
    action     TEXT NOT NULL,
    item       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    line       TEXT NOT NULL
);
CREATE INDEX audit_item ON audit (item);
CREATE INDEX audit_at ON audit (at_unix_ms);
