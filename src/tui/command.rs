//! The table of commands: the one source of keys, hints, help, palette and
//! what is greyed. Adding a command is one row here and one arm where it runs.

use crate::api::access::Needs;
use crate::api::operation::LookUpAsset;
use crate::api::operation::{
    ActFor, AddReading, CancelRequest, ChangeContact, ChangeCustomer, CreateContact, CreateCustomer, EndConsent, GenerateContactPassword, GiveConsent,
    Operation, ReplaceMeter, RequestService, RestoreReading, SearchCustomers, SendContactLink, SetCustomerNumber, StopActing, VoidReading,
};
use crate::api::operation::{
    ChangePortalSettings, ChangeRole, ChangeUser, CopyRole, CreateOrganization, CreateShop, CreateUser, EndGrant, EndOtherSessions, EndSession, EndUserSession,
    GenerateUserPassword, GiveGrant, ListSessions, SendUserLink, SetServiceCode, UserHistory,
};
use crate::api::permission::Permission;

/// Where a command's keys count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Everywhere.
    Anywhere,
    /// The find screen.
    Find,
    /// Where Enter opens or chooses something.
    List,
    /// Any list: moving the cursor.
    Rows,
    /// A customer's page.
    Customer,
    /// An asset's page.
    Asset,
    /// A record with panes.
    Record,
    /// The pane with meters.
    Meters,
    /// The pane with service requests.
    Requests,
    /// The pane with contacts.
    Contacts,
    /// A password that is shown once.
    Password,
    /// The pane with who did what.
    Changes,
    /// The sign-in.
    SignIn,
    /// A user's name and password.
    Credentials,
    /// A form that is saved.
    Form,
    /// Several fields: moving between them.
    Fields,
    /// A form of one field: Enter sends it.
    Line,
    /// The reading line after a refusal.
    Refused,
    /// A question.
    Question,
    /// Both versions of a record that two people changed.
    Conflict,
    /// The administration.
    Office(Office),
    /// What waits in the outbox.
    Outbox,
    /// Where one is signed in.
    SignIns,
}

/// Where in the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Office {
    /// The list of users.
    Users,
    /// A user's page.
    Account,
    /// A role, in the list or on its page.
    Roles,
    /// What a role grants.
    Permissions,
    /// The list of organizations.
    Organizations,
    /// The list of shops.
    Shops,
    /// The portal's settings.
    Portal,
}

/// One row of the table.
#[derive(Debug)]
pub struct Command {
    /// Its id, as the configuration's `[keys]` names it.
    pub id: &'static str,
    /// What it does, in few words.
    pub title: &'static str,
    /// Where its keys count.
    pub place: Place,
    /// Its keys unless the configuration says otherwise; `g c` is two in turn.
    pub keys: &'static [&'static str],
    /// What it needs: that of the operation it calls.
    pub needs: Needs,
    /// Whether it stands in the hint bar.
    pub hint: bool,
}

/// A command that needs no more than the screen it is on.
const fn plain(id: &'static str, title: &'static str, place: Place, keys: &'static [&'static str], hint: bool) -> Command {
    Command { id, title, place, keys, needs: Needs::Open, hint }
}

/// A command that calls an operation and needs what that needs.
const fn calls(id: &'static str, title: &'static str, place: Place, keys: &'static [&'static str], needs: Needs) -> Command {
    Command { id, title, place, keys, needs, hint: true }
}

/// As [`calls`], without a place in the hint bar.
const fn quiet(id: &'static str, title: &'static str, place: Place, keys: &'static [&'static str], needs: Needs) -> Command {
    Command { id, title, place, keys, needs, hint: false }
}

/// Every command. In the hint bar they stand in this order.
pub static COMMANDS: &[Command] = &[
    calls("asset.reading", "add reading", Place::Asset, &["m"], AddReading::ENDPOINT.needs),
    calls("asset.request", "request service", Place::Asset, &["r"], RequestService::ENDPOINT.needs),
    calls("meter.void", "void reading", Place::Meters, &["v"], VoidReading::ENDPOINT.needs),
    calls("meter.restore", "count again", Place::Meters, &["u"], RestoreReading::ENDPOINT.needs),
    calls("meter.replace", "meter replaced", Place::Meters, &["p"], ReplaceMeter::ENDPOINT.needs),
    calls("request.cancel", "cancel request", Place::Requests, &["x"], CancelRequest::ENDPOINT.needs),
    calls("contact.new", "new contact", Place::Contacts, &["n"], CreateContact::ENDPOINT.needs),
    calls("contact.change", "change", Place::Contacts, &["e", "enter"], ChangeContact::ENDPOINT.needs),
    calls("contact.password", "new password", Place::Contacts, &["p"], GenerateContactPassword::ENDPOINT.needs),
    calls("contact.send_link", "send a link", Place::Contacts, &["s"], SendContactLink::ENDPOINT.needs),
    calls("contact.view_as", "see as this contact", Place::Contacts, &["w"], ActFor::ENDPOINT.needs),
    calls("contact.consent", "consent to act", Place::Contacts, &["c"], GiveConsent::ENDPOINT.needs),
    quiet("contact.end_consent", "take the consent back", Place::Contacts, &["x"], EndConsent::ENDPOINT.needs),
    plain("password.copy", "copy the password", Place::Password, &["y"], true),
    calls("customer.number", "set number", Place::Customer, &["d"], SetCustomerNumber::ENDPOINT.needs),
    calls("customer.act_for", "act for it", Place::Customer, &["o"], ActFor::ENDPOINT.needs),
    calls("customer.change", "change it", Place::Customer, &["u"], ChangeCustomer::ENDPOINT.needs),
    calls("refused.void", "void the earlier one", Place::Refused, &["v"], VoidReading::ENDPOINT.needs),
    calls("refused.rollover", "rolled over", Place::Refused, &["o"], OVERRIDE),
    calls("refused.replaced", "meter replaced", Place::Refused, &["p"], ReplaceMeter::ENDPOINT.needs),
    calls("refused.override", "override with a reason", Place::Refused, &["w"], OVERRIDE),
    calls("user.new", "new user", Place::Office(Office::Users), &["n"], CreateUser::ENDPOINT.needs),
    calls("user.grant", "give a role", Place::Office(Office::Account), &["r"], GiveGrant::ENDPOINT.needs),
    calls("user.take", "take role away", Place::Office(Office::Account), &["x"], EndGrant::ENDPOINT.needs),
    calls("user.password", "new password", Place::Office(Office::Account), &["p"], GenerateUserPassword::ENDPOINT.needs),
    calls("user.change", "change it", Place::Office(Office::Account), &["u"], ChangeUser::ENDPOINT.needs),
    quiet("user.link", "mail a link for a password", Place::Office(Office::Account), &["l"], SendUserLink::ENDPOINT.needs),
    quiet("user.disable", "let this user in no more", Place::Office(Office::Account), &["d"], ChangeUser::ENDPOINT.needs),
    quiet("user.enable", "let this user in again", Place::Office(Office::Account), &["e"], ChangeUser::ENDPOINT.needs),
    calls("user.changes", "who did what", Place::Office(Office::Account), &["c"], UserHistory::ENDPOINT.needs),
    quiet("user.end_session", "end the session", Place::Office(Office::Account), &["s"], EndUserSession::ENDPOINT.needs),
    calls("role.turn", "yes, own, basic, no", Place::Office(Office::Permissions), &["space"], ChangeRole::ENDPOINT.needs),
    calls("role.save", "save", Place::Office(Office::Permissions), &["f9", "ctrl-s", "alt-s"], ChangeRole::ENDPOINT.needs),
    calls("role.copy", "copy role", Place::Office(Office::Roles), &["c"], CopyRole::ENDPOINT.needs),
    calls("organization.new", "new organization", Place::Office(Office::Organizations), &["n"], CreateOrganization::ENDPOINT.needs),
    calls("shop.new", "new shop", Place::Office(Office::Shops), &["n"], CreateShop::ENDPOINT.needs),
    calls("portal.turn", "switch", Place::Office(Office::Portal), &["enter", "space"], ChangePortalSettings::ENDPOINT.needs),
    calls("service.new", "new service", Place::Office(Office::Portal), &["n"], SetServiceCode::ENDPOINT.needs),
    calls("service.rename", "rename service", Place::Office(Office::Portal), &["u"], SetServiceCode::ENDPOINT.needs),
    plain("outbox.discard", "discard", Place::Outbox, &["x"], true),
    plain("outbox.send", "send now", Place::Outbox, &["s"], true),
    calls("sign_ins.end", "end it", Place::SignIns, &["d"], EndSession::ENDPOINT.needs),
    calls("sign_ins.end_others", "end all others", Place::SignIns, &["a"], EndOtherSessions::ENDPOINT.needs),
    plain("question.yes", "yes", Place::Question, &["y"], true),
    plain("question.no", "no", Place::Question, &["n"], true),
    plain("conflict.theirs", "take theirs", Place::Conflict, &["t", "left"], true),
    plain("conflict.mine", "keep yours", Place::Conflict, &["m", "right"], true),
    plain("conflict.merge", "merge", Place::Conflict, &["enter"], true),
    plain("conflict.all_theirs", "all theirs", Place::Conflict, &["shift-t"], false),
    plain("conflict.all_mine", "all yours", Place::Conflict, &["shift-m"], false),
    plain("sign_in.device", "dealer's account", Place::SignIn, &["f4", "alt-d"], true),
    plain("sign_in.send", "sign in", Place::Credentials, &["enter", "f9", "ctrl-s", "alt-s"], true),
    plain("list.open", "open", Place::List, &["enter"], true),
    plain("find.scope", "where to look", Place::Find, &["tab"], true),
    plain("find.scope_back", "where to look, backwards", Place::Find, &["backtab"], false),
    calls("customer.new", "new customer", Place::Find, &["ctrl-n", "alt-n"], CreateCustomer::ENDPOINT.needs),
    quiet("request.by_unit", "request service by unit number", Place::Find, &["alt-r"], RequestService::ENDPOINT.needs),
    plain("form.save", "save", Place::Form, &["f9", "ctrl-s", "alt-s"], true),
    plain("form.send", "save", Place::Line, &["enter"], true),
    plain("form.next", "next field", Place::Fields, &["tab"], true),
    plain("form.previous", "previous field", Place::Fields, &["backtab"], false),
    plain("list.up", "up", Place::Rows, &["up", "k"], false),
    plain("list.down", "down", Place::Rows, &["down", "j"], false),
    plain("list.page_up", "page up", Place::Rows, &["pageup"], false),
    plain("list.page_down", "page down", Place::Rows, &["pagedown"], false),
    plain("list.first", "first row", Place::Rows, &["home"], false),
    plain("list.last", "last row", Place::Rows, &["end"], false),
    plain("record.next_pane", "next pane", Place::Record, &["tab"], true),
    plain("record.previous_pane", "previous pane", Place::Record, &["backtab"], false),
    plain("record.pane_1", "pane 1", Place::Record, &["1"], false),
    plain("record.pane_2", "pane 2", Place::Record, &["2"], false),
    plain("record.pane_3", "pane 3", Place::Record, &["3"], false),
    plain("record.pane_4", "pane 4", Place::Record, &["4"], false),
    plain("record.pane_5", "pane 5", Place::Record, &["5"], false),
    plain("record.pane_6", "pane 6", Place::Record, &["6"], false),
    plain("record.pane_7", "pane 7", Place::Record, &["7"], false),
    plain("record.pane_8", "pane 8", Place::Record, &["8"], false),
    plain("record.pane_9", "pane 9", Place::Record, &["9"], false),
    plain("record.pane_0", "pane 0", Place::Record, &["0"], false),
    plain("changes.depth", "simple or extended", Place::Changes, &["x"], true),
    plain("record.copy", "copy", Place::Record, &["y"], false),
    calls("find.customers", "find customers", Place::Anywhere, &["f2", "/", "g c", "alt-c"], SearchCustomers::ENDPOINT.needs),
    calls("find.assets", "find assets", Place::Anywhere, &["f3", "g a", "alt-a"], LookUpAsset::ENDPOINT.needs),
    plain("company", "your company", Place::Anywhere, &["g m", "alt-m"], false),
    plain("back", "back", Place::Anywhere, &["esc"], true),
    plain("help", "help", Place::Anywhere, &["f1", "?", "alt-h"], true),
    plain("palette", "commands", Place::Anywhere, &["ctrl-k", ":"], true),
    plain("reload", "load again", Place::Anywhere, &["f5", "ctrl-r"], false),
    plain("shop.switch", "work in another shop", Place::Anywhere, &["g s", "alt-w"], false),
    plain("password.change", "change your password", Place::Anywhere, &["g p"], false),
    quiet("sign_ins", "my sign-ins", Place::Anywhere, &["g i"], ListSessions::ENDPOINT.needs),
    quiet("administration", "administration", Place::Anywhere, &["g x", "alt-x"], ADMINISTRATION),
    quiet("acting.stop", "be yourself again", Place::Anywhere, &["g b", "alt-b"], StopActing::ENDPOINT.needs),
    plain("outbox", "outbox: what waits to be sent", Place::Anywhere, &["alt-u", "g u"], false),
    plain("lock", "lock this terminal", Place::Anywhere, &["ctrl-l", "g l"], false),
    plain("sign_out", "sign out", Place::Anywhere, &["g o"], false),
    plain("suspend", "back to the shell", Place::Anywhere, &["ctrl-z"], false),
    plain("quit", "quit", Place::Anywhere, &["f10", "ctrl-q", "ctrl-c", "g q", "alt-q"], true),
];

/// Open to whoever may see one section of it.
const ADMINISTRATION: Needs = Needs::Any(
    const {
        &[
            Permission::named("user.manage"),
            Permission::named("role.manage"),
            Permission::named("org.manage"),
            Permission::named("shop.manage"),
            Permission::named("portal_settings.manage"),
        ]
    },
);

const OVERRIDE: Needs = Needs::All(const { &[crate::api::permission::Permission::named("meter.override")] });

/// The command of that id.
#[must_use]
pub(super) fn named(id: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

/// Whether a command has no place on a workshop terminal: it leads out of it,
/// to another account, or carries something away.
#[must_use]
pub(super) fn leads_out(command: &Command) -> bool {
    matches!(command.id, "outbox" | "suspend" | "password.change" | "sign_ins" | "shop.switch" | "lock" | "record.copy")
}
