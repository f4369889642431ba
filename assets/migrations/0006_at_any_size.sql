-- What a page shows is found without looking at what it does not show, however
-- much there is of that.

-- Requests of one shop, those filed by one user, those not done yet, and those
-- that nothing came of. All others are the many.
CREATE INDEX service_request_shop ON service_request (shop_id, requested_at, id);
CREATE INDEX service_request_filed_by ON service_request (requested_by, requested_at, id);
CREATE INDEX service_request_outstanding ON service_request (requested_at, id) WHERE status IN ('submitted', 'accepted', 'scheduled', 'in_progress');
CREATE INDEX service_request_set_aside ON service_request (requested_at, id) WHERE status IN ('draft', 'declined', 'cancelled');
-- The turn of a meter that a voided reading brought.
CREATE INDEX meter_event_reading ON meter_event (reading_id);

-- A number leads: of many that are looked up at once, PostgreSQL goes to each, and
-- not through all of a business system.
DROP INDEX customer_number;
CREATE UNIQUE INDEX customer_number ON customer_shop_link (number_key, business_system) WHERE number_key IS NOT NULL;
-- A shop's customers are never listed by themselves.
DROP INDEX customer_shop_link_shop;
