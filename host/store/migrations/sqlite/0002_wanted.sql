-- What is wanted of this host: one document, and the configuration file that it was last put
-- together with. Both are JSON.
CREATE TABLE wanted (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL,
    file     TEXT NOT NULL
);
