-- Who may do what: roles of the dealer's own, grants with domains, customers'
-- people, workshop terminals, acting for a customer; and who did what.
-- The tokens are those of 0001.

-- Copies of role templates that an administrator edited.
CREATE TABLE role (
    id TEXT PRIMARY KEY,
    role_key {{text}} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    copied_from TEXT NOT NULL,
    -- A line for each permission that is granted: "meter.view=yes".
    cells TEXT NOT NULL,
    row_version BIGINT NOT NULL
);

ALTER TABLE role_grant ADD COLUMN domains TEXT NOT NULL DEFAULT '';
ALTER TABLE role_grant ADD COLUMN granted_by TEXT REFERENCES user_account (id);

ALTER TABLE person ADD COLUMN mobile TEXT;
ALTER TABLE person ADD COLUMN salutation TEXT;
ALTER TABLE person ADD COLUMN job_title TEXT;

ALTER TABLE user_account ADD COLUMN idp_subject TEXT;
ALTER TABLE user_account ADD COLUMN last_sign_in BIGINT;
CREATE UNIQUE INDEX user_account_subject ON user_account (idp_subject);

-- A customer's person or department (S4-3).
CREATE TABLE contact (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer (id),
    person_id TEXT NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL CHECK (kind IN ('person', 'department')),
    -- Words of contact roles, separated by spaces: they route messages only.
    roles TEXT NOT NULL,
    access_level TEXT NOT NULL CHECK (access_level IN ('none', 'full', 'limited', 'carrier_view', 'read_only')),
    portal_right TEXT NOT NULL CHECK (portal_right IN ('none', 'portal_administrator', 'fleet_administrator', 'insight_user')),
    platform_role TEXT NOT NULL CHECK (platform_role IN ('none', 'executive', 'accounts', 'fleet')),
    receives_invoices BOOLEAN NOT NULL,
    receives_statements BOOLEAN NOT NULL,
    user_id TEXT REFERENCES user_account (id),
    -- Who gave the right, the platform role or the level (S1-5).
    designated_by TEXT REFERENCES user_account (id),
    is_active BOOLEAN NOT NULL,
    is_primary BOOLEAN NOT NULL,
    row_version BIGINT NOT NULL
);
CREATE INDEX contact_customer ON contact (customer_id);
CREATE INDEX contact_user ON contact (user_id);
CREATE INDEX contact_designated_by ON contact (designated_by);

-- A customer lets the dealer's people act for it (S1-14).
CREATE TABLE consent (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer (id),
    role TEXT NOT NULL,
    given_by TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT,
    recorded_by TEXT NOT NULL REFERENCES user_account (id)
);
CREATE INDEX consent_customer ON consent (customer_id);

-- A workshop terminal with a token of its own (S2-4).
CREATE TABLE kiosk_device (
    id TEXT PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    user_id TEXT NOT NULL REFERENCES user_account (id),
    label TEXT NOT NULL,
    token_hash {{text}} NOT NULL UNIQUE,
    login_required BOOLEAN NOT NULL,
    idle_seconds BIGINT NOT NULL CHECK (idle_seconds BETWEEN 10 AND 3600),
    -- Names of permissions, separated by spaces: the device's own short list.
    allowed_actions TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    row_version BIGINT NOT NULL,
    UNIQUE (shop_id, label)
);
CREATE UNIQUE INDEX kiosk_device_user ON kiosk_device (user_id);

-- What the sender of a key might do when the answer was kept: who may do
-- something else now is not shown it.
ALTER TABLE idempotency ADD COLUMN policy TEXT NOT NULL DEFAULT '';

ALTER TABLE session ADD COLUMN came_from TEXT;
ALTER TABLE session ADD COLUMN acting_customer_id TEXT REFERENCES customer (id);
ALTER TABLE session ADD COLUMN viewed_contact_id TEXT REFERENCES contact (id);

-- A link that lets its holder set a password, once.
CREATE TABLE password_link (
    code_hash {{text}} PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user_account (id),
    ends_at BIGINT NOT NULL,
    -- Good for nothing any more; kept to tell when the last one was sent.
    is_void BOOLEAN NOT NULL
);
CREATE INDEX password_link_user ON password_link (user_id);

-- Who did what. Rows are added, never changed. Each bears the hash of its own
-- text, written with the act.
CREATE TABLE audit (
    id {{text}} PRIMARY KEY,
    happened_at BIGINT NOT NULL,
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    on_behalf_of TEXT,
    on_behalf_name TEXT,
    act TEXT NOT NULL,
    entity TEXT NOT NULL,
    entity_id TEXT,
    customer_id TEXT,
    asset_id TEXT,
    user_id TEXT,
    -- A JSON object: field to [before, after].
    changes TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    came_from TEXT,
    hash TEXT NOT NULL
);
CREATE INDEX audit_customer ON audit (customer_id, id);
CREATE INDEX audit_asset ON audit (asset_id, id);
CREATE INDEX audit_user ON audit (user_id, id);
CREATE INDEX audit_actor ON audit (actor_id, id);
CREATE INDEX audit_entity ON audit (entity_id, id);

-- Rows of `audit` that wait for the sealer.
CREATE TABLE audit_unsealed (
    audit_id {{text}} PRIMARY KEY
);

-- The chain over them, in the order in which they were committed.
CREATE TABLE audit_seal (
    place BIGINT PRIMARY KEY,
    audit_id {{text}} NOT NULL UNIQUE,
    hash TEXT NOT NULL
);
