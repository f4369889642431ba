//! The contract as a checker reads it who knows nothing of our code: paths,
//! permissions and bodies from `/openapi.json`, roles from the text of
//! `assets/roles/role-matrix.csv`, scopes from the sentences of 8.2.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One operation of the document.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    /// What the document calls it.
    pub(super) id: String,
    /// `GET`, `POST` …
    pub(super) method: String,
    /// With `{parameters}`.
    pub(super) path: String,
    /// It says nothing of permissions: open to all.
    pub(super) is_open: bool,
    /// All of these are needed.
    pub(super) all: Vec<String>,
    /// One of these is needed.
    pub(super) any: Vec<String>,
    /// Needed only for some bodies.
    pub(super) more: Vec<String>,
    /// The smallest body that fits its schema; none where it takes none.
    pub(super) body: Option<Value>,
    /// The names that its body knows.
    pub(super) fields: BTreeSet<String>,
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, described: &Value) -> Self {
        let names = |key: &str| -> Option<Vec<String>> {
            let listed = described.get(key)?.as_array()?;
            Some(listed.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
        };
        let schema = described.pointer("/requestBody/content/application~1json/schema");
        Self {
            id: described["operationId"].as_str().unwrap_or("(no name)").to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            is_open: names("x-permission").is_none() && names("x-permission-any").is_none(),
            all: names("x-permission").unwrap_or_default(),
            any: names("x-permission-any").unwrap_or_default(),
            more: names("x-permission-more").unwrap_or_default(),
            body: schema.map(|schema| smallest(document, schema)),
            fields: schema.map(|schema| resolved(document, schema)).map_or_else(BTreeSet::new, |schema| members(&schema["properties"])),
        }
    }

    /// The noun before the first parameter: what sort of record it is about.
    pub(super) fn noun(&self) -> Option<&str> {
        let segments: Vec<&str> = self.path.split('/').collect();
        let first = segments.iter().position(|segment| segment.starts_with('{'))?;
        segments.get(first.checked_sub(1)?).copied()
    }

    /// Reads only.
    pub(super) fn is_get(&self) -> bool {
        self.method == "GET"
    }

    /// What the template lacks for it; empty where it may.
    pub(super) fn missing(&self, template: &Template) -> Vec<String> {
        let mut missing: Vec<String> = self.all.iter().filter(|name| !template.grants(name)).cloned().collect();
        if !self.any.is_empty() && !self.any.iter().any(|name| template.grants(name)) {
            missing.extend(self.any.iter().cloned());
        }
        missing
    }

    /// Whether the template may do it to own records only.
    pub(super) fn is_own(&self, template: &Template) -> bool {
        matches!(self.all.as_slice(), [only] if template.cell(only) == "own")
    }
}

fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).map_or(&Value::Null, |schema| resolved(document, schema)),
        None => schema,
    }
}

/// The smallest value that a schema takes, and a reason where one can be given:
/// without it some operations do not even look for the record.
fn smallest(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if let Some(only) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return only.clone();
    }
    if let Some(choice) = ["oneOf", "anyOf", "allOf"].iter().find_map(|choice| schema[*choice].get(0)) {
        return smallest(document, choice);
    }
    match schema["type"].as_str().or_else(|| schema["type"].get(0).and_then(Value::as_str)) {
        Some("string") => json!("x"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => {
            let required = |name: &str| name == "reason" || schema["required"].as_array().is_some_and(|names| names.iter().any(|wanted| wanted == name));
            let wanted = schema["properties"].as_object().into_iter().flatten().filter(|(name, _)| required(name));
            Value::Object(wanted.map(|(name, schema)| (name.clone(), smallest(document, schema))).collect())
        }
    }
}

/// Every name of a member that any shape of the document has.
pub(super) fn known_names(document: &Value) -> BTreeSet<String> {
    fn gather(part: &Value, names: &mut BTreeSet<String>) {
        match part {
            Value::Object(parts) => {
                names.extend(members(&part["properties"]));
                parts.values().for_each(|part| gather(part, names));
            }
            Value::Array(parts) => parts.iter().for_each(|part| gather(part, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    gather(&document["components"]["schemas"], &mut names);
    names
}

/// A column of the matrix.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// Its name.
    pub(super) key: String,
    pub(super) cells: BTreeMap<String, String>,
}

impl Template {
    /// A made-up column: names and words.
    pub(super) fn of(key: &str, cells: BTreeMap<String, String>) -> Self {
        Self { key: key.to_owned(), cells }
    }

    /// The word in its cell.
    pub(super) fn cell(&self, permission: &str) -> &str {
        self.cells.get(permission).map_or("no such row", String::as_str)
    }

    /// Whether it grants a permission, however limited.
    pub(super) fn grants(&self, permission: &str) -> bool {
        matches!(self.cell(permission), "yes" | "own" | "basic" | "configurable")
    }

    /// Everything that it grants.
    pub(super) fn granted(&self) -> BTreeSet<String> {
        self.cells.keys().filter(|name| self.grants(name)).cloned().collect()
    }

    /// Whose it is, by the columns of 3.1.
    pub(super) fn kind(&self) -> &'static str {
        match self.key.as_str() {
            "administrator" | "general_manager" | "service_manager" | "counter_staff" | "technician" => "staff",
            "kiosk" => "kiosk",
            _ => "customer",
        }
    }

    /// "none: everything, sign-in refused" (3.1, C-4).
    pub(super) fn is_shut_out(&self) -> bool {
        self.kind() == "customer" && self.granted().is_empty()
    }

    /// What somebody has who holds both: the wider word of each row.
    pub(super) fn and(&self, other: &Self) -> Self {
        let width = |word: &str| match word {
            "yes" | "configurable" => 3,
            "own" => 2,
            "basic" => 1,
            _ => 0,
        };
        let mut both = self.clone();
        for (name, word) in &other.cells {
            if width(word) > width(both.cell(name)) {
                both.cells.insert(name.clone(), word.clone());
            }
        }
        both
    }

    /// The same under a ceiling that takes these away.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |left, name| left.doctored(name, "no"))
    }

    /// What it grants for own records or basic fields only, with that word.
    pub(super) fn limits(&self) -> BTreeMap<String, String> {
        self.cells.iter().filter(|(_, word)| matches!(word.as_str(), "own" | "basic")).map(|(name, word)| (name.clone(), word.clone())).collect()
    }

    /// The same with another word in a cell.
    pub(super) fn doctored(&self, permission: &str, word: &str) -> Self {
        let mut doctored = self.clone();
        doctored.cells.insert(permission.to_owned(), word.to_owned());
        doctored
    }
}

/// The columns of the matrix, read as text: permission and source come first,
/// what is greyed out comes last and is the only one with commas in it.
fn templates(matrix: &str) -> Vec<Template> {
    let mut lines = matrix.lines().filter(|line| !line.is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let keys = &header[2..header.len() - 1];
    let mut columns: Vec<Template> = keys.iter().map(|key| Template::of(key, BTreeMap::new())).collect();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        for (column, word) in columns.iter_mut().zip(&cells[2..]) {
            column.cells.insert(cells[0].to_owned(), (*word).to_owned());
        }
    }
    columns
}

/// What a grant is limited to in the walk: the walker's own world is Keller at
/// San Leandro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing.
    Deployment,
    /// San Leandro.
    OwnShop,
    /// Reno.
    OtherShop,
    /// KELLER.
    OwnOrganization,
    /// WACO-ST, of another customer of San Leandro.
    OtherOrganization,
    /// Keller.
    OwnCustomer,
    /// Sagebrush, of Reno.
    OtherCustomer,
}

impl Place {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Deployment, Self::OwnShop, Self::OtherShop, Self::OwnOrganization, Self::OtherOrganization, Self::OwnCustomer, Self::OtherCustomer];
}

/// The record that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Keller's at San Leandro.
    Own,
    /// Of a second organization of Keller's.
    Sibling,
    /// Waco's at San Leandro.
    OtherCustomer,
    /// Sagebrush's at Reno.
    OtherShop,
    /// One that does not exist.
    Missing,
    /// As `Own`, and made by the walker itself.
    Mine,
}

impl Target {
    /// All but what is made by oneself.
    pub(super) const ALL: [Self; 5] = [Self::Own, Self::Sibling, Self::OtherCustomer, Self::OtherShop, Self::Missing];
}

/// The sentence "Scope" of 8.2: whether a grant that is limited to a place
/// reaches a record.
pub(super) fn reaches(place: Place, noun: &str, target: Target) -> bool {
    use Place::{Deployment, OtherCustomer, OtherOrganization, OtherShop, OwnCustomer, OwnOrganization, OwnShop};
    let reached: &[Place] = match (noun, target) {
        (_, Target::Missing) => &[],
        // One's own sessions are nobody else's, whatever the grants; roles are
        // the dealership's.
        ("sessions", Target::Own) | ("roles", _) => &Place::ALL,
        ("sessions", _) => &[],
        // A customer's person reaches no shop; an organization neither.
        ("shops" | "kiosks", Target::Own | Target::Sibling | Target::Mine) => &[Deployment, OwnShop],
        ("shops" | "kiosks", Target::OtherCustomer) => &[Deployment],
        ("shops" | "kiosks", Target::OtherShop) => &[Deployment, OtherShop],
        // Both organizations of Keller's have one customer.
        ("customers" | "contacts" | "consents", Target::Sibling) | (_, Target::Own | Target::Mine) => &[Deployment, OwnShop, OwnOrganization, OwnCustomer],
        (_, Target::Sibling) => &[Deployment, OwnShop, OwnCustomer],
        (_, Target::OtherCustomer) => &[Deployment, OwnShop, OtherOrganization],
        (_, Target::OtherShop) => &[Deployment, OtherShop, OtherCustomer],
    };
    reached.contains(&place)
}

/// Roles, the portal's settings and the pre-defined services count in every
/// shop: to change them takes a grant for the whole deployment (I-1).
const FOR_ALL_SHOPS: [&str; 4] = ["ChangePortalSettings", "SetServiceCode", "CopyRole", "ChangeRole"];

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 401.
    SignIn,
    /// 403 with exactly these.
    Refused(Vec<String>),
    /// 404.
    NotFound,
    /// Anything but 401, 403 and 5xx; nor 404 where a record was asked for.
    Through,
}

/// What was answered.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Which template, by its place in the contract.
    pub(super) template: usize,
    /// Which operation, by its name.
    pub(super) operation: String,
    /// Where the template was granted.
    pub(super) place: Place,
    /// What was asked for; none where the path has no parameter.
    pub(super) target: Option<Target>,
    /// The status.
    pub(super) status: u16,
    /// The `missing` of a refusal.
    pub(super) missing: Vec<String>,
}

/// The document and the matrix together.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    /// Every operation.
    pub(super) operations: Vec<Operation>,
    /// Every template.
    pub(super) templates: Vec<Template>,
}

impl Contract {
    /// Reads both.
    pub(super) fn read(document: &Value, matrix: &str) -> Self {
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, described) in methods.as_object().into_iter().flatten() {
                operations.push(Operation::read(document, path, method, described));
            }
        }
        Self { operations, templates: templates(matrix) }
    }

    /// The matrix as it lies in the repository.
    pub(super) fn matrix() -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/roles/role-matrix.csv");
        std::fs::read_to_string(path).expect("the matrix")
    }

    /// The operation of that name.
    pub(super) fn operation(&self, id: &str) -> &Operation {
        self.operations.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("there is no operation {id}"))
    }

    /// The template of that name.
    pub(super) fn template(&self, key: &str) -> &Template {
        self.templates.iter().find(|template| template.key == key).unwrap_or_else(|| panic!("there is no template {key}"))
    }

    /// Permissions that the document names and the matrix does not have.
    pub(super) fn unknown_permissions(&self) -> Vec<String> {
        let known = |name: &String| self.templates.iter().all(|template| template.cells.contains_key(name));
        let named = |operation: &Operation| [&operation.all, &operation.any, &operation.more].into_iter().flatten().cloned().collect::<Vec<_>>();
        let unknown = |operation: &Operation| named(operation).into_iter().filter(|name| !known(name)).collect::<Vec<_>>();
        self.operations.iter().flat_map(|operation| unknown(operation).into_iter().map(|name| format!("{}: {name}", operation.id))).collect()
    }

    /// What a template is to be answered.
    pub(super) fn wanted(operation: &Operation, template: &Template, place: Place, target: Option<Target>) -> Wanted {
        if operation.is_open {
            return Wanted::Through;
        }
        if template.is_shut_out() {
            return Wanted::SignIn;
        }
        let missing = operation.missing(template);
        if !missing.is_empty() {
            return Wanted::Refused(missing);
        }
        let (Some(noun), Some(target)) = (operation.noun(), target) else { return Wanted::Through };
        let others_only = operation.is_own(template) && matches!(noun, "service-requests" | "contacts") && target != Target::Mine;
        if others_only || !reaches(place, noun, target) { Wanted::NotFound } else { Wanted::Through }
    }

    /// Where what was answered is not what is to be answered.
    pub(super) fn differences(&self, seen: &[Seen]) -> Vec<String> {
        let differs = |seen: &&Seen| {
            let (operation, template) = (self.operation(&seen.operation), &self.templates[seen.template]);
            !Self::fits(operation, template, seen)
        };
        let told = |seen: &Seen| {
            let (operation, template) = (self.operation(&seen.operation), &self.templates[seen.template]);
            let wanted = Self::wanted(operation, template, seen.place, seen.target);
            let asked = seen.target.map_or_else(String::new, |target| format!(" for {target:?}"));
            format!(
                "{} ({} {}), {} at {:?}{asked}: {} {:?} instead of {wanted:?}",
                seen.operation, operation.method, operation.path, template.key, seen.place, seen.status, seen.missing
            )
        };
        seen.iter().filter(differs).map(told).collect()
    }

    fn fits(operation: &Operation, template: &Template, seen: &Seen) -> bool {
        match Self::wanted(operation, template, seen.place, seen.target) {
            Wanted::SignIn => seen.status == 401,
            Wanted::Refused(missing) => seen.status == 403 && seen.missing == missing,
            Wanted::NotFound => seen.status == 404,
            Wanted::Through if FOR_ALL_SHOPS.contains(&operation.id.as_str()) && seen.place != Place::Deployment => {
                seen.status == 403 && seen.missing == operation.all
            }
            Wanted::Through if seen.status == 403 => {
                // What only some bodies need.
                let more = |name: &String| operation.more.contains(name) && !template.grants(name);
                !seen.missing.is_empty() && seen.missing.iter().all(more)
            }
            Wanted::Through => seen.status != 401 && seen.status < 500 && (seen.status != 404 || operation.is_open || seen.target.is_none()),
        }
    }
}
