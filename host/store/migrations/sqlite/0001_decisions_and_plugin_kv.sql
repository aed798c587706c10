-- What was decided, newest last. `line` is the decision as one line of JSON.
CREATE TABLE decisions (
    id         INTEGER PRIMARY KEY,
    at_unix_ms BIGINT  NOT NULL,
    kind       TEXT    NOT NULL,
    stream     TEXT    NOT NULL,
    plugin     TEXT,
    failed     INTEGER NOT NULL,
    bytes      BIGINT  NOT NULL,
    line       TEXT    NOT NULL
);
CREATE INDEX decisions_stream ON decisions (stream, id);
CREATE INDEX decisions_plugin ON decisions (plugin, id);

-- What plugins keep over their calls.
CREATE TABLE plugin_kv (
    plugin   TEXT   NOT NULL,
    key      TEXT   NOT NULL,
    value    BLOB   NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (plugin, key)
);
