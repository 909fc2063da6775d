-- The tables of the catalog. A change here needs a migration in migrations/versions and a new HEAD.
CREATE TABLE queries (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    parent INTEGER,
    text TEXT NOT NULL,
    semantic_hash TEXT NOT NULL,
    name TEXT,
    source TEXT NOT NULL,
    created FLOAT NOT NULL,
    FOREIGN KEY(parent) REFERENCES queries (id)
);
CREATE TABLE versions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    flow TEXT NOT NULL,
    parent INTEGER,
    state TEXT NOT NULL,
    created FLOAT NOT NULL,
    record TEXT NOT NULL,
    FOREIGN KEY(parent) REFERENCES versions (id)
);
CREATE INDEX versions_by_flow ON versions (flow);
CREATE TABLE costs (
    task TEXT NOT NULL,
    code TEXT NOT NULL,
    seconds FLOAT NOT NULL,
    size_bytes INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    last_seen FLOAT NOT NULL,
    inputs TEXT DEFAULT '' NOT NULL,
    part TEXT DEFAULT '' NOT NULL,
    hits INTEGER DEFAULT '0' NOT NULL,
    last_version INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (task)
);
CREATE INDEX costs_by_code ON costs (code);
CREATE TABLE blobs (
    digest TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (digest)
);
CREATE TABLE lessons (
    digest TEXT NOT NULL,
    task TEXT NOT NULL,
    origin TEXT NOT NULL,
    learned FLOAT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (digest)
);
CREATE TABLE runs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    query_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    started FLOAT NOT NULL,
    ended FLOAT,
    budget_s FLOAT,
    seed INTEGER NOT NULL,
    data_fingerprint TEXT NOT NULL,
    environment TEXT NOT NULL,
    summary TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_started FLOAT NOT NULL,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    heartbeat FLOAT NOT NULL,
    FOREIGN KEY(query_id) REFERENCES queries (id)
);
CREATE INDEX runs_by_state ON runs (state);
CREATE TABLE tags (
    name TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    PRIMARY KEY (name),
    FOREIGN KEY(version_id) REFERENCES versions (id)
);
CREATE TABLE heads (
    flow TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    PRIMARY KEY (flow),
    FOREIGN KEY(version_id) REFERENCES versions (id)
);
CREATE TABLE trials (
    run_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    describe TEXT NOT NULL,
    record TEXT NOT NULL,
    recorded FLOAT NOT NULL,
    PRIMARY KEY (run_id, number),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE findings (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE INDEX findings_by_run ON findings (run_id);
CREATE TABLE artifacts (
    "key" TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    kind TEXT NOT NULL,
    created FLOAT NOT NULL,
    last_used FLOAT NOT NULL,
    seconds FLOAT,
    run_id INTEGER,
    PRIMARY KEY ("key"),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
