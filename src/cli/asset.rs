//! `countertop asset`: look-up and one asset with its sections. Also how every
//! verb that takes an ASSET finds it.

use super::connection::{Connection, NOTHING, ask};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, Table, cell, line, pairs};
use super::runtime::wait;
use crate::api::access::Access;
use crate::api::asset::{Asset, AssetHeader, Identification, LookupAnswer, LookupHit, LookupQuery, MatchedBy, Section};
use crate::api::ids::AssetId;
use crate::api::meter::Meter;
use crate::api::operation::{GetAsset, LookUpAsset, OfAsset};
use crate::api::service::{Repair, ServiceRequest};
use crate::client::{Client, ClientError};
use crate::rules::request::urgency_in_words;

/// Verbs on assets.
#[derive(Debug, clap::Subcommand)]
pub(super) enum AssetVerb {
    /// Find assets by number, plate, VIN or the end of the VIN
    Lookup(LookupArgs),
    /// Show one asset with the parts that your role may see
    Show(AssetShowArgs),
}

/// `countertop asset lookup TAG`.
#[derive(Debug, clap::Args)]
pub(super) struct LookupArgs {
    /// Asset number, plate, VIN, or the last 6 to 8 characters of the VIN
    #[arg(value_name = "TAG")]
    tag: String,
    /// Only in this organization
    #[arg(long, value_name = "CODE")]
    organization: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop asset show ID`.
#[derive(Debug, clap::Args)]
pub(super) struct AssetShowArgs {
    #[command(flatten)]
    asset: AssetTag,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// ASSET and `--organization`, as every verb on one asset takes them.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AssetTag {
    /// The asset: its id, or a number, plate or VIN
    #[arg(value_name = "ASSET")]
    asset: String,
    /// The asset's organization, where its number is not enough
    #[arg(long, value_name = "CODE")]
    organization: Option<String>,
}

/// Runs a verb on assets.
pub(super) fn run(verb: AssetVerb, before: Connection) -> Outcome {
    match verb {
        AssetVerb::Lookup(args) => look_up(args, before),
        AssetVerb::Show(args) => show(args, before),
    }
}

fn look_up(args: LookupArgs, before: Connection) -> Outcome {
    let LookupArgs { tag, organization, json, connection } = args;
    let client = connection.or(before).connect()?.client;
    let query = LookupQuery { tag: tag.clone(), organization: organization.clone() };
    let answered = wait(ask::<LookUpAsset>(&client, &NOTHING, &query, &NOTHING))?;
    let hits = answered.answer.items;
    if json {
        output::json(&answered.json)?;
    } else if !hits.is_empty() {
        output::say(&table(&hits).text())?;
    }
    if hits.is_empty() { Err(none(&tag, organization.as_deref())) } else { Ok(Exit::Done) }
}

fn show(args: AssetShowArgs, before: Connection) -> Outcome {
    let AssetShowArgs { asset, json, connection } = args;
    let client = connection.or(before).connect()?.client;
    let answered = wait(async {
        let id = asset.resolve(&client).await?;
        ask::<GetAsset>(&client, &OfAsset { id }, &NOTHING, &NOTHING).await
    })?;
    if json {
        output::json(&answered.json)?;
    } else {
        output::say(&page(&answered.answer))?;
    }
    Ok(Exit::Done)
}

impl AssetTag {
    /// The organization given.
    pub(super) fn organization(&self) -> Option<String> {
        self.organization.clone()
    }

    /// The id where one was written and no tag.
    pub(super) fn id(&self) -> Option<AssetId> {
        // Other forms of a UUID could be somebody's serial number.
        self.asset.parse().ok().filter(|_| self.asset.len() == 36)
    }

    /// The tag as written.
    pub(super) fn tag(&self) -> &str {
        &self.asset
    }

    /// The one asset that is meant. Nothing is chosen for the person: several
    /// hits, or one that only looks alike, are refused with the list (S2-8).
    pub(super) async fn resolve(&self, client: &Client) -> Result<AssetId, Failure> {
        match self.id() {
            Some(id) => Ok(id),
            None => self.only(self.look_up(client).await?.items),
        }
    }

    /// Every asset that the tag fits.
    pub(super) async fn look_up(&self, client: &Client) -> Result<LookupAnswer, ClientError> {
        let query = LookupQuery { tag: self.asset.clone(), organization: self.organization.clone() };
        client.call::<LookUpAsset>(&NOTHING, &query, &NOTHING).await
    }

    /// The only hit, or why there is none.
    pub(super) fn only(&self, hits: Vec<LookupHit>) -> Result<AssetId, Failure> {
        match hits.as_slice() {
            [] => Err(none(&self.asset, self.organization.as_deref())),
            [one] if one.matched_by != MatchedBy::Similar => Ok(one.asset.id),
            [_] => {
                let sentence = format!("no asset has {} exactly, this one is similar: give its number or its id", self.asset);
                Err(Failure::not_found(sentence).with(table(&hits).lines()))
            }
            several => {
                let mut codes: Vec<&str> = several.iter().map(|hit| hit.asset.organization.code.as_str()).collect();
                codes.sort_unstable();
                codes.dedup();
                let sentence = if codes.len() > 1 {
                    format!("{} is in {} organizations: choose one with --organization CODE, or give the id", self.asset, codes.len())
                } else {
                    format!("{} fits {} assets: give the id of one", self.asset, several.len())
                };
                Err(Failure::not_found(sentence).with(table(several).lines()))
            }
        }
    }
}

fn none(tag: &str, organization: Option<&str>) -> Failure {
    let place = organization.map_or_else(|| "your organizations".to_owned(), |code| format!("organization {code}"));
    Failure::not_found(format!("no asset with the number, plate or VIN {tag} in {place}"))
}

fn table(hits: &[LookupHit]) -> Table {
    let mut table = Table::new(&["ORGANIZATION", "NUMBER", "MAKE", "MODEL", "PLATE", "STATUS", "FOUND BY", "ID"]);
    for LookupHit { asset, matched_by } in hits {
        table.row([
            line(&asset.organization.code),
            line(&asset.asset_number),
            cell(asset.make.as_deref()),
            cell(asset.model.as_deref()),
            cell(asset.more.as_ref().and_then(|more| more.plate.as_deref())),
            asset.status.name().to_owned(),
            matched_by.in_words().to_owned(),
            asset.id.to_string(),
        ]);
    }
    table
}

/// The whole asset, section by section.
fn page(asset: &Asset) -> String {
    let sections = &asset.sections;
    let parts = [
        header(&asset.header),
        section("Identification", &sections.identification, identification),
        section("Meters", &sections.meters, |meters| meter_table(meters)),
        section("Service requests", &sections.service_requests, |requests| request_table(requests)),
        section("Repairs", &sections.repairs, |repairs| repair_table(repairs)),
    ];
    parts.join("\n\n")
}

fn header(asset: &AssetHeader) -> String {
    let more = asset.more.as_ref();
    pairs(&[
        ("asset", line(&asset.asset_number)),
        ("organization", format!("{} {}", line(&asset.organization.code), line(&asset.organization.name))),
        ("customer", cell(more.and_then(|more| more.customer.as_ref()).map(|customer| customer.name.as_str()))),
        ("year", asset.year.map(|year| year.to_string()).unwrap_or_default()),
        ("make", cell(asset.make.as_deref())),
        ("model", cell(asset.model.as_deref())),
        ("plate", cell(more.and_then(|more| more.plate.as_deref()))),
        ("description", cell(more.and_then(|more| more.description.as_deref()))),
        ("status", asset.status.name().to_owned()),
        ("id", asset.id.to_string()),
    ])
}

/// A section's data, or what it needs and whom to ask.
fn section<T>(title: &str, section: &Section<T>, shown: impl Fn(&T) -> String) -> String {
    let text = match section {
        Section::Denied { missing, .. } => Access::Denied(missing.clone()).reason().unwrap_or_else(|| "Not for your role.".to_owned()),
        Section::Data(data) => shown(data),
    };
    let text = if text.is_empty() { "none" } else { text.as_str() };
    format!("{title}\n{text}")
}

fn identification(asset: &Identification) -> String {
    let former: Vec<String> = asset.former_plates.iter().map(|plate| line(plate)).collect();
    pairs(&[
        ("vin", cell(asset.vin.as_deref())),
        ("vin hint", cell(asset.vin_hint.as_deref())),
        ("serial", cell(asset.serial.as_deref())),
        ("plate", cell(asset.plate.as_deref())),
        ("plate state", cell(asset.plate_state.as_deref())),
        ("plate country", cell(asset.plate_country.as_deref())),
        ("former plates", former.join(", ")),
        ("class", cell(asset.class.as_deref())),
        ("colour", cell(asset.colour.as_deref())),
        ("department", cell(asset.department.as_deref())),
    ])
}

fn meter_table(meters: &[Meter]) -> String {
    let mut table = Table::new(&["METER", "VALUE", "UNIT", "READ AT", "REMARK"]);
    for meter in meters {
        let remarks = [(meter.primary, "primary"), (meter.stale, "older than 30 days"), (meter.no_use, "no use")];
        let remark: Vec<&str> = remarks.into_iter().filter(|(holds, _)| *holds).map(|(_, remark)| remark).collect();
        table.row([
            line(&meter.meter),
            cell(meter.value.as_deref()),
            meter.unit.name().to_owned(),
            meter.read_at.map(|at| at.to_string()).unwrap_or_default(),
            remark.join(", "),
        ]);
    }
    if meters.is_empty() { String::new() } else { table.text() }
}

fn request_table(requests: &[ServiceRequest]) -> String {
    let mut table = Table::new(&["NUMBER", "STATUS", "URGENCY", "SHOP", "REQUESTED AT", "WANTED"]);
    for request in requests {
        let mut wanted: Vec<String> = request.lines.iter().map(|wanted| line(wanted.in_words())).collect();
        wanted.extend(request.complaint.as_deref().map(line));
        table.row([
            line(&request.number),
            request.status.in_words(),
            urgency_in_words(request.urgency).to_owned(),
            line(&request.shop.code),
            request.requested_at.to_string(),
            wanted.join("; "),
        ]);
    }
    if requests.is_empty() { String::new() } else { table.text() }
}

fn repair_table(repairs: &[Repair]) -> String {
    let mut table = Table::new(&["STATE", "DESCRIPTION", "REASON", "STATUS", "SHOP", "FOUND AT"]);
    for repair in repairs {
        table.row([
            repair.state.name().to_owned(),
            line(&repair.description),
            cell(repair.reason.as_deref()),
            cell(repair.status.as_deref()),
            cell(repair.shop.as_ref().map(|shop| shop.code.as_str())),
            repair.found_at.to_string(),
        ]);
    }
    if repairs.is_empty() { String::new() } else { table.text() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::asset::AssetStatus;
    use crate::api::ids::OrganizationId;
    use crate::api::page::CodeRef;

    fn hit(code: &str, matched_by: MatchedBy) -> LookupHit {
        let organization = CodeRef { id: OrganizationId::new(), code: code.to_owned(), name: code.to_owned() };
        let asset = AssetHeader {
            id: AssetId::new(),
            asset_number: "1042".to_owned(),
            organization,
            year: None,
            make: None,
            model: None,
            status: AssetStatus::Active,
            more: None,
        };
        LookupHit { asset, matched_by }
    }

    fn tag(asset: &str) -> AssetTag {
        AssetTag { asset: asset.to_owned(), organization: None }
    }

    #[test]
    fn s2_8_nothing_is_chosen_for_the_person() {
        assert!(tag("1042").only(vec![hit("CITY", MatchedBy::Plate)]).is_ok());
        assert!(tag("1042").only(vec![hit("CITY", MatchedBy::Similar)]).is_err());
        assert!(tag("1042").only(vec![hit("CITY", MatchedBy::AssetNumber), hit("PORT", MatchedBy::AssetNumber)]).is_err());
        assert!(tag("1042").only(Vec::new()).is_err());
    }

    #[test]
    fn only_a_full_uuid_is_an_id() {
        assert!(tag("0197f0a4-7f1c-7c11-8f6c-2b1c0a5d3e7f").id().is_some());
        assert!(tag("0197f0a47f1c7c118f6c2b1c0a5d3e7f").id().is_none());
        assert!(tag("1042").id().is_none());
    }
}
