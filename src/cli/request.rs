//! `countertop request add`.

use super::asset::AssetTag;
use super::connection::{Answered, Connection, NOTHING, Once};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, line};
use super::runtime::wait;
use crate::api::ids::AssetId;
use crate::api::operation::{OfAsset, RequestService, RequestServiceByUnit};
use crate::api::service::{NewLine, NewRequest, NewRequestByUnit};
use crate::client::{Client, ClientError};

/// Verbs on service requests.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RequestVerb {
    /// Request service for an asset
    Add(RequestAddArgs),
}

/// `countertop request add ASSET`.
#[derive(Debug, clap::Args)]
pub(super) struct RequestAddArgs {
    #[command(flatten)]
    asset: AssetTag,
    /// A pre-defined service; may be given several times
    #[arg(long, value_name = "CODE")]
    service: Vec<String>,
    /// Any other service; may be given several times
    #[arg(long, value_name = "TEXT")]
    other: Vec<String>,
    /// What is wrong
    #[arg(long, value_name = "TEXT")]
    complaint: Option<String>,
    /// 1 down, 2 high, 3 normal, 4 when convenient
    #[arg(long, value_name = "1-4")]
    urgency: Option<i64>,
    /// The shop, by id or code; the session's unless said
    #[arg(long, value_name = "CODE")]
    shop: Option<String>,
    /// Ask although the service is outstanding already
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

/// What a filed request is told by.
#[derive(Debug)]
struct Filed {
    number: String,
    /// Absent for roles that may ask but not look.
    shop: Option<String>,
    json: serde_json::Value,
}

/// Files the request.
pub(super) fn add(args: RequestAddArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let services = args.service.into_iter().map(|code| NewLine { service_code: Some(code), other_text: None });
    let others = args.other.into_iter().map(|text| NewLine { service_code: None, other_text: Some(text) });
    let new = NewRequest {
        shop: args.shop,
        urgency: args.urgency,
        complaint: args.complaint,
        lines: services.chain(others).collect(),
        confirm_duplicate: args.confirm_duplicate,
        ..NewRequest::default()
    };
    let filed = wait(file(&client, &args.asset, args.once, new))?;
    if args.json {
        output::json(&filed.json)?;
    } else {
        let place = filed.shop.map(|shop| format!(" at {}", line(&shop))).unwrap_or_default();
        output::say(&format!("{} filed{place}", line(&filed.number)))?;
    }
    Ok(Exit::Done)
}

/// A role that may ask but not look names the unit, and is told nothing of it
/// (G-10).
async fn file(client: &Client, asset: &AssetTag, once: Once, new: NewRequest) -> Result<Filed, Failure> {
    if let Some(id) = asset.id() {
        return of_asset(client, id, once, &new).await;
    }
    match asset.look_up(client).await {
        Ok(found) => of_asset(client, asset.only(found.items)?, once, &new).await,
        Err(ClientError::Refused(problem)) if problem.status == 403 => {
            let named = NewRequestByUnit { unit_number: asset.tag().to_owned(), organization: asset.organization(), request: new };
            let Answered { answer, json } = once.write::<RequestServiceByUnit>(client, &NOTHING, &NOTHING, &named).await?;
            Ok(Filed { number: answer.number, shop: None, json })
        }
        Err(error) => Err(error.into()),
    }
}

async fn of_asset(client: &Client, id: AssetId, once: Once, new: &NewRequest) -> Result<Filed, Failure> {
    let Answered { answer, json } = once.write::<RequestService>(client, &OfAsset { id }, &NOTHING, new).await?;
    Ok(Filed { number: answer.number, shop: Some(answer.shop.name), json })
}
