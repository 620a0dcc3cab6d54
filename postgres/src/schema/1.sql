-- Who writes here: one row, made by `Node::open`.
CREATE TABLE rejoin.node (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    region      text   COLLATE "C" NOT NULL,
    incarnation bigint NOT NULL,
    -- The cluster and the timeline on which this incarnation began.
    system      bigint NOT NULL,
    timeline    bigint NOT NULL
);

-- How often this node has written under each key. Edits compare and swap `own`; arrivals never touch it.
CREATE TABLE rejoin.document (
    store text   COLLATE "C" NOT NULL,
    key   text   COLLATE "C" NOT NULL,
    own   bigint NOT NULL,
    PRIMARY KEY (store, key)
) WITH (fillfactor = 70);

CREATE SEQUENCE rejoin.delta_seq;

-- Every write, of every region. Rows are only inserted.
CREATE TABLE rejoin.delta (
    origin  text    COLLATE "C" NOT NULL,       -- the replica that wrote it
    seq     bigint  NOT NULL,                   -- counted by that replica; not in the order of commits
    store   text    COLLATE "C" NOT NULL,
    key     text    COLLATE "C" NOT NULL,
    payload bytea   NOT NULL,                   -- canonical bytes
    at      bigint  NOT NULL,                   -- when it was written, in ms since 1970
    mine    boolean NOT NULL,                   -- this region's own: peers pull it from here
    request text,                               -- what makes a repeated request recognizable, here alone
    xid     xid8    NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (origin, seq)
);
CREATE INDEX delta_by_key ON rejoin.delta (store, key, xid);
CREATE INDEX delta_feed ON rejoin.delta (xid, seq) WHERE mine;
CREATE UNIQUE INDEX delta_request ON rejoin.delta (store, key, request) WHERE request IS NOT NULL;

-- How far each peer has been pulled: see src/cursor.rs.
CREATE TABLE rejoin.cursor (
    peer      text   COLLATE "C" PRIMARY KEY,
    number    bigint NOT NULL,                  -- compared and swapped
    epoch     text   NOT NULL,
    previous  text   NOT NULL,
    target    text,
    xid       bigint NOT NULL,
    seq       bigint NOT NULL,
    greatest  bigint NOT NULL,
    reclaimed bigint NOT NULL
);

-- What a gate refused, and why: for people to look at.
CREATE TABLE rejoin.refused (
    origin  text    COLLATE "C" NOT NULL,
    seq     bigint  NOT NULL,
    store   text    COLLATE "C" NOT NULL,
    key     text    COLLATE "C" NOT NULL,
    payload bytea   NOT NULL,
    at      bigint  NOT NULL,
    peer    text    NOT NULL,
    reason  text    NOT NULL,
    PRIMARY KEY (origin, seq)
);
