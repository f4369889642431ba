-- One text for SQLite and PostgreSQL. Two tokens differ and are put in while
-- loading: {{text}} is a text column that sorts by bytes, {{serial}} a number
-- that counts up by itself. Times are microseconds since 1970 in UTC, meter
-- values are tenths, ids are UUIDs as text.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE shop (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    code_key {{text}} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    country TEXT NOT NULL,
    accepts_requests BOOLEAN NOT NULL,
    business_system TEXT NOT NULL,
    numbering TEXT NOT NULL CHECK (numbering IN ('user_enters', 'dms_assigns')),
    row_version BIGINT NOT NULL
);

CREATE TABLE customer (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('local', 'fleet')),
    name TEXT NOT NULL,
    address1 TEXT,
    address2 TEXT,
    city TEXT,
    state TEXT,
    postal_code TEXT,
    country TEXT,
    phone TEXT,
    extension TEXT,
    fax TEXT,
    email TEXT,
    notes TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'prospect', 'cash')),
    owner_shop_id TEXT REFERENCES shop (id),
    -- Folded name and city, and folded name, address, city and postal code:
    -- what the duplicate check and the import compare by.
    name_city_key {{text}} NOT NULL,
    import_key {{text}} NOT NULL,
    row_version BIGINT NOT NULL,
    -- C-9: a state needs a country. A local customer has an owner (C-1).
    CHECK (state IS NULL OR country IS NOT NULL),
    CHECK (kind = 'fleet' OR owner_shop_id IS NOT NULL)
);
CREATE INDEX customer_name_city ON customer (name_city_key);
CREATE INDEX customer_import ON customer (import_key);
CREATE INDEX customer_phone ON customer (phone);

CREATE TABLE customer_shop_link (
    customer_id TEXT NOT NULL REFERENCES customer (id),
    shop_id TEXT NOT NULL REFERENCES shop (id),
    number TEXT,
    number_key {{text}},
    number_state TEXT NOT NULL CHECK (number_state IN ('blank', 'unverified', 'verified', 'rejected')),
    business_system TEXT NOT NULL,
    alert_note TEXT,
    po_required BOOLEAN NOT NULL,
    updated_by TEXT,
    PRIMARY KEY (customer_id, shop_id)
);
CREATE UNIQUE INDEX customer_number ON customer_shop_link (business_system, number_key) WHERE number_key IS NOT NULL;
CREATE INDEX customer_shop_link_shop ON customer_shop_link (shop_id);

CREATE TABLE organization (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    code_key {{text}} NOT NULL UNIQUE,
    name TEXT NOT NULL,
    customer_id TEXT REFERENCES customer (id),
    portal_enabled BOOLEAN NOT NULL,
    metric BOOLEAN NOT NULL,
    row_version BIGINT NOT NULL
);
CREATE INDEX organization_customer ON organization (customer_id);

CREATE TABLE asset (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id),
    customer_id TEXT REFERENCES customer (id),
    asset_number TEXT NOT NULL,
    number_key {{text}} NOT NULL,
    similar_key {{text}} NOT NULL,
    vin TEXT,
    vin_key {{text}},
    vin_reversed {{text}},
    serial TEXT,
    serial_key {{text}},
    year BIGINT,
    make TEXT,
    model TEXT,
    description TEXT,
    class TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'in_shop', 'out_of_service', 'closed', 'disposed')),
    colour TEXT,
    department TEXT,
    acquired_at BIGINT,
    row_version BIGINT NOT NULL,
    UNIQUE (organization_id, number_key)
);
CREATE INDEX asset_number ON asset (number_key);
CREATE INDEX asset_similar ON asset (similar_key);
CREATE INDEX asset_vin ON asset (vin_key);
CREATE INDEX asset_vin_reversed ON asset (vin_reversed);
CREATE INDEX asset_serial ON asset (serial_key);
CREATE INDEX asset_customer ON asset (customer_id);

CREATE TABLE plate (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    number TEXT NOT NULL,
    number_key {{text}} NOT NULL,
    similar_key {{text}} NOT NULL,
    state TEXT,
    country TEXT,
    from_at BIGINT,
    to_at BIGINT
);
CREATE INDEX plate_number ON plate (number_key);
CREATE INDEX plate_similar ON plate (similar_key);
CREATE INDEX plate_asset ON plate (asset_id);

CREATE TABLE meter (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    kind TEXT NOT NULL CHECK (kind IN ('odometer', 'engine_hours', 'standby_hours', 'switch_on_hours', 'pto_hours', 'fuel_used', 'cycles')),
    component TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('mi', 'km', 'h', 'gal', 'l', 'count')),
    digits BIGINT NOT NULL CHECK (digits BETWEEN 3 AND 9),
    tenths BOOLEAN NOT NULL,
    max_per_day BIGINT,
    is_primary BOOLEAN NOT NULL,
    row_version BIGINT NOT NULL,
    UNIQUE (asset_id, kind, component)
);

CREATE TABLE person (
    id TEXT PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT,
    phone TEXT
);

CREATE TABLE user_account (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person (id),
    username TEXT NOT NULL,
    username_key {{text}} NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    must_change BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'locked', 'disabled')),
    kind TEXT NOT NULL CHECK (kind IN ('staff', 'customer', 'service_account', 'kiosk')),
    shop_id TEXT REFERENCES shop (id),
    row_version BIGINT NOT NULL
);

CREATE TABLE role_grant (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user_account (id),
    role TEXT NOT NULL,
    scope_kind TEXT NOT NULL CHECK (scope_kind IN ('deployment', 'shop', 'organization', 'customer')),
    scope_id TEXT,
    valid_from BIGINT,
    valid_to BIGINT,
    CHECK (scope_kind = 'deployment' OR scope_id IS NOT NULL)
);
CREATE INDEX role_grant_user ON role_grant (user_id);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user_account (id),
    token_hash {{text}} NOT NULL UNIQUE,
    shop_id TEXT REFERENCES shop (id),
    customer_id TEXT REFERENCES customer (id),
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    idle_micros BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX session_of_user ON session (user_id);

CREATE TABLE reading (
    id TEXT PRIMARY KEY,
    meter_id TEXT NOT NULL REFERENCES meter (id),
    read_at BIGINT NOT NULL,
    value BIGINT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('normal', 'rollover')),
    state TEXT NOT NULL CHECK (state IN ('valid', 'warning', 'void')),
    entered_by TEXT REFERENCES user_account (id),
    entered_at BIGINT NOT NULL,
    comment TEXT,
    override_reason TEXT,
    void_reason TEXT,
    void_by TEXT REFERENCES user_account (id)
);
CREATE INDEX reading_meter ON reading (meter_id, read_at);

-- Rollover (M-5) and replacement (M-6): dated, so that back-dated readings
-- find the dial of their own time.
CREATE TABLE meter_event (
    id TEXT PRIMARY KEY,
    meter_id TEXT NOT NULL REFERENCES meter (id),
    kind TEXT NOT NULL CHECK (kind IN ('rollover', 'replacement')),
    happened_at BIGINT NOT NULL,
    added BIGINT NOT NULL,
    life BIGINT NOT NULL,
    shows BIGINT NOT NULL,
    reading_id TEXT REFERENCES reading (id),
    entered_by TEXT REFERENCES user_account (id),
    entered_at BIGINT NOT NULL
);
CREATE INDEX meter_event_meter ON meter_event (meter_id);

CREATE TABLE service_code (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE service_request (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    number_key {{text}} NOT NULL UNIQUE,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    shop_id TEXT NOT NULL REFERENCES shop (id),
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'accepted', 'declined', 'scheduled', 'in_progress', 'completed', 'closed', 'cancelled')),
    urgency BIGINT NOT NULL CHECK (urgency BETWEEN 1 AND 4),
    complaint TEXT,
    requester_first TEXT NOT NULL,
    requester_last TEXT NOT NULL,
    requester_email TEXT,
    requester_phone TEXT,
    requester_extension TEXT,
    driver_first TEXT,
    driver_last TEXT,
    driver_email TEXT,
    driver_phone TEXT,
    driver_extension TEXT,
    po_number TEXT,
    authorization_number TEXT,
    note TEXT,
    requested_at BIGINT NOT NULL,
    requested_by TEXT REFERENCES user_account (id),
    source TEXT NOT NULL,
    cancel_reason TEXT,
    decline_reason TEXT,
    row_version BIGINT NOT NULL
);
CREATE INDEX service_request_asset ON service_request (asset_id, requested_at);
CREATE INDEX service_request_time ON service_request (requested_at, id);

CREATE TABLE service_request_line (
    request_id TEXT NOT NULL REFERENCES service_request (id),
    place BIGINT NOT NULL,
    service_code TEXT REFERENCES service_code (code),
    other_text TEXT,
    PRIMARY KEY (request_id, place),
    CHECK ((service_code IS NULL) <> (other_text IS NULL))
);

CREATE TABLE repair (
    id TEXT PRIMARY KEY,
    asset_id TEXT NOT NULL REFERENCES asset (id),
    state TEXT NOT NULL CHECK (state IN ('open', 'pending')),
    description TEXT NOT NULL,
    reason TEXT,
    status TEXT,
    shop_id TEXT REFERENCES shop (id),
    found_at BIGINT NOT NULL
);
CREATE INDEX repair_asset ON repair (asset_id, found_at);

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key {{text}} NOT NULL,
    body_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    version BIGINT,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, route, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Every writer adds here in its own transaction; servers follow it to keep
-- their search index fresh.
CREATE TABLE change (
    seq {{serial}},
    entity TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
