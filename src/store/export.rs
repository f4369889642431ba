//! The pages of an export: lines in the order of a key, continued behind the
//! last one.

use super::query::{Row, Stored};
use super::row::statements;
use super::{Conn, Result};

/// A line of an export: two cells to continue behind, then the columns of its
/// kind; times are microseconds, meter values tenths.
#[derive(Debug, Clone)]
pub struct Line(pub Vec<Option<String>>);

impl Stored for Line {
    fn from_row(row: Row<'_>) -> sqlx::Result<Self> {
        (0..row.len()).map(|place| row.at(place)).collect::<sqlx::Result<_>>().map(Self)
    }
}

/// The number of customer `$id` that people know: at the first shop by code.
macro_rules! first_number {
    ($id:literal) => {
        concat!(
            "(SELECT l.number FROM customer_shop_link l JOIN shop s ON s.id = l.shop_id WHERE l.customer_id = ",
            $id,
            " AND l.number IS NOT NULL ORDER BY s.code_key LIMIT 1)"
        )
    };
}

statements! {
    ORGANIZATIONS = concat!("SELECT o.code_key, '', o.code, o.name, ", first_number!("o.customer_id"), ",
        CASE WHEN o.portal_enabled THEN 'yes' ELSE 'no' END
        FROM organization o WHERE o.code_key > $1 AND $2 = '' ORDER BY o.code_key LIMIT $3");
    SHOPS = "SELECT s.code_key, '', s.code, s.name, s.time_zone, s.country FROM shop s WHERE s.code_key > $1 AND $2 = '' ORDER BY s.code_key LIMIT $3";
    CUSTOMERS = "SELECT c.id, COALESCE(l.shop_id, ''), l.number, c.name, c.kind, c.address1, c.address2, c.city, c.state, c.postal_code, c.country,
        c.phone, c.extension, c.fax, c.email, s.code
        FROM customer c LEFT JOIN customer_shop_link l ON l.customer_id = c.id LEFT JOIN shop s ON s.id = l.shop_id
        WHERE c.id >= $1 AND (c.id, COALESCE(l.shop_id, '')) > ($1, $2) ORDER BY c.id, COALESCE(l.shop_id, '') LIMIT $3";
    CONTACTS = "SELECT ct.id, '', l.number, s.code, p.first_name, p.last_name, ct.kind, p.salutation, p.job_title, p.email, p.phone, p.mobile, ct.roles,
        CASE WHEN ct.receives_invoices THEN 'yes' ELSE 'no' END, CASE WHEN ct.receives_statements THEN 'yes' ELSE 'no' END,
        CASE WHEN ct.is_primary THEN 'yes' ELSE 'no' END, CASE WHEN ct.is_active THEN 'yes' ELSE 'no' END
        FROM contact ct JOIN person p ON p.id = ct.person_id
        JOIN customer_shop_link l ON l.customer_id = ct.customer_id JOIN shop s ON s.id = l.shop_id
        WHERE ct.id > $1 AND $2 = '' AND l.shop_id = (SELECT fl.shop_id FROM customer_shop_link fl JOIN shop fs ON fs.id = fl.shop_id
            WHERE fl.customer_id = ct.customer_id AND fl.number IS NOT NULL ORDER BY fs.code_key LIMIT 1)
        ORDER BY ct.id LIMIT $3";
    ASSETS = concat!("SELECT a.id, '', o.code, a.asset_number, ", first_number!("a.customer_id"), ", a.vin, a.serial, p.number, p.state, p.country,
        CAST(a.year AS TEXT), a.make, a.model, a.description, a.class, a.status, a.colour, a.department
        FROM asset a JOIN organization o ON o.id = a.organization_id
        LEFT JOIN plate p ON p.id = (SELECT MAX(pp.id) FROM plate pp WHERE pp.asset_id = a.id AND pp.to_at IS NULL)
        WHERE a.id > $1 AND $2 = '' ORDER BY a.id LIMIT $3");
    PLATES = "SELECT p.id, '', o.code, a.asset_number, p.number, p.state, p.country, CAST(p.from_at AS TEXT), CAST(p.to_at AS TEXT)
        FROM plate p JOIN asset a ON a.id = p.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE p.id > $1 AND $2 = '' ORDER BY p.id LIMIT $3";
    READINGS = "SELECT r.id, '', o.code, a.asset_number, m.kind || CASE WHEN m.component = 'main' THEN '' ELSE '.' || m.component END,
        CAST(r.value AS TEXT), m.unit, CAST(r.read_at AS TEXT), r.source
        FROM reading r JOIN meter m ON m.id = r.meter_id JOIN asset a ON a.id = m.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE r.id > $1 AND $2 = '' AND r.state <> 'void' ORDER BY r.id LIMIT $3";
    REQUESTS = "SELECT r.id, '', r.number, o.code, a.asset_number, s.code, r.status, CAST(r.urgency AS TEXT), r.complaint, CAST(r.requested_at AS TEXT)
        FROM service_request r JOIN asset a ON a.id = r.asset_id JOIN organization o ON o.id = a.organization_id JOIN shop s ON s.id = r.shop_id
        WHERE r.id > $1 AND $2 = '' ORDER BY r.id LIMIT $3";
    REPAIRS = "SELECT r.id, '', o.code, a.asset_number, r.state, r.description, r.reason, r.status, s.code, CAST(r.found_at AS TEXT)
        FROM repair r JOIN asset a ON a.id = r.asset_id JOIN organization o ON o.id = a.organization_id LEFT JOIN shop s ON s.id = r.shop_id
        WHERE r.id > $1 AND $2 = '' ORDER BY r.id LIMIT $3";
}

/// What can be exported: a text that takes where to continue, and how many
/// lines at most.
#[derive(Debug, Clone, Copy)]
pub struct Export(&'static str);

impl Export {
    /// Organizations.
    pub const ORGANIZATIONS: Self = Self(ORGANIZATIONS);
    /// Shops.
    pub const SHOPS: Self = Self(SHOPS);
    /// Customers.
    pub const CUSTOMERS: Self = Self(CUSTOMERS);
    /// Contacts of customers with a number.
    pub const CONTACTS: Self = Self(CONTACTS);
    /// Assets.
    pub const ASSETS: Self = Self(ASSETS);
    /// Plates.
    pub const PLATES: Self = Self(PLATES);
    /// Readings.
    pub const READINGS: Self = Self(READINGS);
    /// Service requests.
    pub const REQUESTS: Self = Self(REQUESTS);
    /// Repairs.
    pub const REPAIRS: Self = Self(REPAIRS);
}

/// At most `limit` lines behind two cells of the line before.
///
/// # Errors
/// When the database fails.
pub async fn page(conn: &mut Conn, export: Export, after: (&str, &str), limit: i64) -> Result<Vec<Line>> {
    conn.query(export.0).bind(after.0).bind(after.1).bind(limit).all().await
}
