-- The host that uses this database now; every start of one writes another token.
CREATE TABLE owner (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    token TEXT NOT NULL
);
