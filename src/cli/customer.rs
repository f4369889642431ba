//! `countertop customer`: one customer, a new one, and its number.

use super::connection::{Connection, NOTHING, Once, ask};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, Table, cell, line, pairs};
use super::runtime::wait;
use crate::api::customer::{Customer, CustomerDetails, CustomerHit, CustomerKind, CustomerMore, CustomerQuery, NewCustomer, NumberChange, SearchBy};
use crate::api::ids::CustomerId;
use crate::api::operation::{CreateCustomer, GetCustomer, OfCustomer, SearchCustomers, SetCustomerNumber};
use crate::client::Client;
use crate::text::fold;

/// Verbs on customers.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CustomerVerb {
    /// Show one customer
    Show(CustomerShowArgs),
    /// Create a customer
    Create(Box<CreateArgs>),
    /// Set the customer's number in the dealer's business system
    Link(LinkArgs),
}

/// `countertop customer show ID`.
#[derive(Debug, clap::Args)]
pub(super) struct CustomerShowArgs {
    /// The customer's id or number
    #[arg(value_name = "ID")]
    id: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop customer create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The customer's name, at most 100 characters
    #[arg(long)]
    name: String,
    /// Its number in the dealer's business system
    #[arg(long)]
    number: Option<String>,
    /// Owned by one shop, or a fleet
    #[arg(long, value_parser = ["local", "fleet"], default_value = "local")]
    kind: String,
    /// The shop, by id or code; the session's unless said
    #[arg(long, value_name = "CODE")]
    shop: Option<String>,
    #[command(flatten)]
    details: Details,
    /// Save although others look the same
    #[arg(long)]
    confirm_duplicate: bool,
    #[command(flatten)]
    once: Once,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Address, telephone and the like.
#[derive(Debug, clap::Args)]
pub(super) struct Details {
    /// Street and number
    #[arg(long)]
    address1: Option<String>,
    /// Second line
    #[arg(long)]
    address2: Option<String>,
    /// City
    #[arg(long)]
    city: Option<String>,
    /// State, as TX or by its name
    #[arg(long)]
    state: Option<String>,
    /// Postal code
    #[arg(long)]
    postal_code: Option<String>,
    /// Country, two letters or its name
    #[arg(long)]
    country: Option<String>,
    /// Telephone, with + or as the shop's country writes it
    #[arg(long)]
    phone: Option<String>,
    /// Extension, 1 to 10 digits
    #[arg(long)]
    extension: Option<String>,
    /// Fax
    #[arg(long)]
    fax: Option<String>,
    /// E-mail
    #[arg(long)]
    email: Option<String>,
    /// Free text, at most 1,000 characters
    #[arg(long)]
    notes: Option<String>,
}

/// `countertop customer link ID NUMBER`.
#[derive(Debug, clap::Args)]
pub(super) struct LinkArgs {
    /// The customer's id, or the number it has now
    #[arg(value_name = "ID")]
    id: String,
    /// The number in the dealer's business system; empty clears it
    #[arg(value_name = "NUMBER")]
    number: String,
    /// The shop, by id or code; the session's unless said
    #[arg(long, value_name = "CODE")]
    shop: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs a verb on customers.
pub(super) fn run(verb: CustomerVerb, before: Connection) -> Outcome {
    match verb {
        CustomerVerb::Show(args) => show(args, before),
        CustomerVerb::Create(args) => create(*args, before),
        CustomerVerb::Link(args) => link(args, before),
    }
}

fn show(args: CustomerShowArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let answered = wait(async {
        let path = OfCustomer { id: resolve(&client, &args.id).await? };
        ask::<GetCustomer>(&client, &path, &NOTHING, &NOTHING).await
    })?;
    tell(&answered.answer, &answered.json, args.json)
}

fn create(args: CreateArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let new = NewCustomer {
        name: args.name,
        number: args.number,
        kind: CustomerKind::named(&args.kind).unwrap_or_default(),
        shop: args.shop,
        details: args.details.into(),
        confirm_duplicate: args.confirm_duplicate,
    };
    let answered = wait(args.once.write::<CreateCustomer>(&client, &NOTHING, &NOTHING, &new))?;
    tell(&answered.answer, &answered.json, args.json)
}

fn link(args: LinkArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let change = NumberChange { shop: args.shop, number: Some(args.number) };
    let answered = wait(async {
        let path = OfCustomer { id: resolve(&client, &args.id).await? };
        ask::<SetCustomerNumber>(&client, &path, &NOTHING, &change).await
    })?;
    tell(&answered.answer, &answered.json, args.json)
}

/// The customer of an id or a number; a number that means several is refused
/// with the list.
async fn resolve(client: &Client, said: &str) -> Result<CustomerId, Failure> {
    if let Ok(id) = said.parse() {
        return Ok(id);
    }
    let query = CustomerQuery { q: said.to_owned(), by: SearchBy::Number, ..CustomerQuery::default() };
    let found = client.call::<SearchCustomers>(&NOTHING, &query, &NOTHING).await?.items;
    let is_it = |hit: &&CustomerHit| hit.more.as_ref().and_then(|more| more.number.as_deref()).is_some_and(|number| fold(number) == fold(said));
    let hits: Vec<&CustomerHit> = found.iter().filter(is_it).collect();
    match hits.as_slice() {
        [hit] => Ok(hit.id),
        [] => Err(Failure::not_found(format!("there is no customer with the id or number {said}; `countertop find` shows both"))),
        several => Err(Failure::not_found(format!("several customers have the number {said}: say which by its id"))
            .with(several.iter().map(|hit| format!("{}  {}", hit.id, line(&hit.name))).collect())),
    }
}

impl From<Details> for CustomerDetails {
    fn from(said: Details) -> Self {
        Self {
            address1: said.address1,
            address2: said.address2,
            city: said.city,
            state: said.state,
            postal_code: said.postal_code,
            country: said.country,
            phone: said.phone,
            extension: said.extension,
            fax: said.fax,
            email: said.email,
            notes: said.notes,
        }
    }
}

fn tell(customer: &Customer, json: &serde_json::Value, as_json: bool) -> Outcome {
    if as_json {
        output::json(json)?;
    } else {
        output::say(&page(customer))?;
    }
    Ok(Exit::Done)
}

fn page(customer: &Customer) -> String {
    let basic = pairs(&[
        ("customer", line(&customer.name)),
        ("city", cell(customer.city.as_deref())),
        ("phone", cell(customer.phone.as_deref())),
        ("id", customer.id.to_string()),
    ]);
    match &customer.more {
        Some(more) => [basic, rest(more), links(more)].join("\n"),
        None => basic,
    }
}

fn rest(more: &CustomerMore) -> String {
    pairs(&[
        ("number", cell(more.number.as_deref())),
        ("kind", more.kind.name().to_owned()),
        ("address", cell(more.address1.as_deref())),
        ("", cell(more.address2.as_deref())),
        ("state", cell(more.state.as_deref())),
        ("postal code", cell(more.postal_code.as_deref())),
        ("country", cell(more.country.as_deref())),
        ("extension", cell(more.extension.as_deref())),
        ("fax", cell(more.fax.as_deref())),
        ("email", cell(more.email.as_deref())),
        ("status", line(&more.status)),
        ("shop", cell(more.shop.as_ref().map(|shop| shop.name.as_str()))),
        ("notes", cell(more.notes.as_deref())),
        ("version", more.version.to_string()),
    ])
}

fn links(more: &CustomerMore) -> String {
    let mut table = Table::new(&["SHOP", "NUMBER", "NUMBER IS", "NOTE"]);
    for link in &more.links {
        table.row([line(&link.shop.code), cell(link.number.as_deref()), link.number_state.name().to_owned(), cell(link.alert_note.as_deref())]);
    }
    if more.links.is_empty() { String::new() } else { table.text() }
}
