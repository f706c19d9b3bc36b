BEGIN TRANSACTION;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    speaker TEXT NOT NULL CHECK (speaker <> ''),
    source TEXT NOT NULL,
    seconds REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    vector BLOB NOT NULL,
    enrolled_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
INSERT INTO "entries" VALUES(1,'Zoë','composed.wav',2.5,'abc',X'0000803F0000000000000000','2026-11-30T05:47:54Z');
INSERT INTO "entries" VALUES(2,'Zoë','decomposed.wav',0.0,'abc',X'F304353FF304353F00000000','2026-11-30T05:47:54Z');
INSERT INTO "entries" VALUES(3,'unknown','',0.0,'abc',X'000000000000803F00000000','2026-11-30T05:47:54Z');
INSERT INTO "entries" VALUES(4,'a	b','',0.0,'abc',X'00000000000000000000803F','2026-11-30T05:47:54Z');
INSERT INTO "entries" VALUES(5,'ann','',0.0,'abc',X'0000008000000080000080BF','2026-11-30T05:47:54Z');
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "notes" VALUES('calibration','{"scale": 20.0, "offset": -12.0, "quality": {}, "fingerprint": "abc"}');
INSERT INTO "notes" VALUES('index','{"file": "index-cfcbc3578fda7f54", "epoch": 0, "last": 5, "sifted": 0.01}');
CREATE TABLE space (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "space" VALUES(1,'abc',3,'toy',0);
CREATE INDEX entries_by_speaker ON entries (speaker);
CREATE TRIGGER one_space_insert BEFORE INSERT ON entries
WHEN NEW.fingerprint <> (SELECT fingerprint FROM space)
  OR length(NEW.vector) <> 4 * (SELECT dimension FROM space)
BEGIN SELECT RAISE(ABORT, 'a vector of another embedding space'); END;
CREATE TRIGGER one_space_update BEFORE UPDATE ON entries
WHEN NEW.fingerprint <> (SELECT fingerprint FROM space)
  OR length(NEW.vector) <> 4 * (SELECT dimension FROM space)
BEGIN SELECT RAISE(ABORT, 'a vector of another embedding space'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entries',5);
COMMIT;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
