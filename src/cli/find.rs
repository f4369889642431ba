//! `countertop find`: customers by name, city, state or number.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::connection::{Connected, Connection, NOTHING, ask};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, Table, cell, line};
use super::runtime::wait;
use crate::api::customer::{CustomerHit, CustomerQuery, SearchBy};
use crate::api::operation::{GetSession, SearchCustomers};
use crate::api::page::Page;
use crate::rules::place::full_state_code;

/// `countertop find TEXT`.
#[derive(Debug, clap::Args)]
pub(super) struct FindArgs {
    /// 3 to 100 characters of a name, city, state, number, telephone or postal code
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// Where to look
    #[arg(long, default_value = "all", value_parser = search_by())]
    by: SearchBy,
    /// How many to show, 50 unless said, at most 200
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

fn search_by() -> impl TypedValueParser<Value = SearchBy> {
    PossibleValuesParser::new(SearchBy::ALL.map(SearchBy::name)).map(|name| SearchBy::ALL.into_iter().find(|by| by.name() == name).unwrap_or_default())
}

/// Searches and shows.
pub(super) fn run(args: FindArgs, before: Connection) -> Outcome {
    let FindArgs { text, by, limit, json, connection } = args;
    let connected = connection.or(before).connect()?;
    let typed = text.join(" ");
    let answered = wait(async {
        let q = match by {
            SearchBy::State => state(&connected, &typed).await,
            _ => typed.clone(),
        };
        let query = CustomerQuery { q, by, limit, cursor: None };
        ask::<SearchCustomers>(&connected.client, &NOTHING, &query, &NOTHING).await
    })?;
    let page = answered.answer;
    if json {
        output::json(&answered.json)?;
    } else if !page.items.is_empty() {
        output::say(&table(&page.items).text())?;
        remark(&page);
    }
    if page.items.is_empty() { Err(Failure::not_found(nobody(&typed, by))) } else { Ok(Exit::Done) }
}

/// Two letters mean a state of the shop's country (S3-5): the server takes the
/// full code only.
async fn state(connected: &Connected, typed: &str) -> String {
    let short = typed.trim().chars().count() <= 3 && !typed.contains('-');
    if !short {
        return typed.to_owned();
    }
    // Whether the session is good shows with the search itself.
    let session = connected.client.call::<GetSession>(&NOTHING, &NOTHING, &NOTHING).await.ok();
    let shop = session.and_then(|session| session.shop).map(|shop| shop.country);
    let country = shop.unwrap_or_else(|| connected.setup.config.server.default_country.0.clone());
    full_state_code(&country, typed).unwrap_or_else(|| typed.to_owned())
}

fn nobody(typed: &str, by: SearchBy) -> String {
    let fields = match by {
        SearchBy::All => "name, city, state or number",
        other => other.name(),
    };
    format!("No customer matches '{typed}' in {fields}")
}

fn table(hits: &[CustomerHit]) -> Table {
    let mut table = Table::new(&["NUMBER", "NAME", "CITY", "STATE", "PHONE", "ID"]);
    for hit in hits {
        let more = hit.more.as_ref();
        table.row([
            cell(more.and_then(|more| more.number.as_deref())),
            line(&hit.name),
            cell(hit.city.as_deref()),
            cell(more.and_then(|more| more.state.as_deref())),
            cell(hit.phone.as_deref()),
            hit.id.to_string(),
        ]);
    }
    table
}

/// What a person should know about the list; not for scripts.
fn remark(page: &Page<CustomerHit>) {
    if page.items.iter().all(|hit| hit.near_miss) {
        output::note("Nothing matches exactly; these are one letter away.");
    }
    if page.next.is_some() {
        output::note(&format!("The first {} shown, more exist: add letters or a city, or --limit.", page.items.len()));
    }
}
