-- Signing in at the dealer's identity provider, from a terminal (RFC 8628).
-- The tokens are those of 0001.

-- The group at the provider that brought a grant; it ends with the group. NULL:
-- somebody gave it here.
ALTER TABLE role_grant ADD COLUMN from_group TEXT;

-- Sign-ins under way, so that any server can go on with them. None lives
-- longer than fifteen minutes.
CREATE TABLE device_sign_in (
    id TEXT PRIMARY KEY,
    -- Who may ask on: the hash of a code that only that terminal has.
    poll_hash {{text}} NOT NULL,
    -- The provider's device code, encrypted with a key from the same code: the
    -- database alone can neither ask on nor finish a sign-in.
    sealed_code TEXT NOT NULL,
    interval_seconds BIGINT NOT NULL,
    -- Whoever moves this on asks the provider; nobody else before then.
    next_poll_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_sign_in_age ON device_sign_in (expires_at);
