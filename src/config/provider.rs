//! Values of `[oidc]`: the identity provider's address, and which of its
//! groups bring which role here.

use super::value::Value;
use crate::text::{clean_line, is_blank};

/// Address of an identity provider, exactly as it names itself. Tokens are
/// compared with it letter by letter: nothing is trimmed or added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerAddress(pub String);

impl IssuerAddress {
    /// Whether it is on this machine: only there may it do without encryption.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl Value for IssuerAddress {
    const EXPECTED: &'static str = "an address like https://login.dealer.example, or http:// on this machine";

    fn from_text(text: &str) -> Option<Self> {
        let host = match text.strip_prefix("https://") {
            Some(rest) => rest,
            None => text.strip_prefix("http://").filter(|rest| is_this_machine(rest))?,
        };
        let fine = !host.is_empty() && !host.starts_with('/') && !host.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@'));
        fine.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

fn is_this_machine(rest: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().filter_map(|host| rest.strip_prefix(host)).any(|after| after.is_empty() || after.starts_with([':', '/']))
}

/// A text of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneLine(pub String);

impl Value for OneLine {
    const EXPECTED: &'static str = "a text of one line";

    fn from_text(text: &str) -> Option<Self> {
        (!is_blank(text) && clean_line(text) == text).then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// What the groups at the provider bring here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRoles(pub Vec<GroupRole>);

/// One group with a role it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    /// The group as the provider writes it.
    pub group: String,
    /// The role.
    pub role: String,
    /// What the role is limited to.
    pub scope: GroupScope,
}

/// What a group's role is limited to. Customers are none of it: their people
/// are not the dealer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupScope {
    /// Nothing: the whole deployment.
    Deployment,
    /// The shop of this code.
    Shop(String),
    /// The organization of this code.
    Organization(String),
}

impl GroupRole {
    /// `counter-west=counter_staff@shop:SLN`. A group's name may hold `=` and
    /// `@`, as those of directories do; roles and codes do not.
    fn from_text(text: &str) -> Option<Self> {
        let (group, brings) = text.rsplit_once('=')?;
        let (role, scope) = brings.split_once('@')?;
        let scope = match scope.split_once(':') {
            None if scope == "deployment" => GroupScope::Deployment,
            Some(("shop", code)) if !is_blank(code) => GroupScope::Shop(code.to_owned()),
            Some(("organization", code)) if !is_blank(code) => GroupScope::Organization(code.to_owned()),
            _ => return None,
        };
        let fine = !is_blank(group) && !is_blank(role) && clean_line(text) == text;
        fine.then(|| Self { group: group.to_owned(), role: role.to_owned(), scope })
    }

    fn to_text(&self) -> String {
        let Self { group, role, scope } = self;
        match scope {
            GroupScope::Deployment => format!("{group}={role}@deployment"),
            GroupScope::Shop(code) => format!("{group}={role}@shop:{code}"),
            GroupScope::Organization(code) => format!("{group}={role}@organization:{code}"),
        }
    }
}

impl Value for GroupRoles {
    const EXPECTED: &'static str =
        "a list of group=role@scope like [\"counter-west=counter_staff@shop:SLN\"]; a scope is deployment, shop:CODE or organization:CODE";
    const LIST: bool = true;

    fn from_text(text: &str) -> Option<Self> {
        text.lines().map(GroupRole::from_text).collect::<Option<_>>().map(Self)
    }

    fn to_text(&self) -> String {
        self.0.iter().map(GroupRole::to_text).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_encrypted_or_on_this_machine() {
        for fine in ["https://login.dealer.example", "https://a.auth0.example/", "http://127.0.0.1:4000", "http://localhost", "http://[::1]:9/x"] {
            assert_eq!(IssuerAddress::from_text(fine).map(|issuer| issuer.0).as_deref(), Some(fine));
        }
        for bad in
            ["http://login.dealer.example", "http://localhost.evil.example", "https://", "https:///x", "https://a b", "https://a?b", "https://u@h", "login"]
        {
            assert_eq!(IssuerAddress::from_text(bad), None, "{bad}");
        }
    }

    #[test]
    fn groups_bring_roles_with_a_scope() {
        let text = "counter-west=counter_staff@shop:SLN\nCN=IT,OU=Groups=administrator@deployment\no@x=technician@organization:KELLER";
        let GroupRoles(read) = GroupRoles::from_text(text).unwrap();
        assert_eq!((read[0].group.as_str(), read[0].role.as_str(), &read[0].scope), ("counter-west", "counter_staff", &GroupScope::Shop("SLN".to_owned())));
        assert_eq!((read[1].group.as_str(), &read[1].scope), ("CN=IT,OU=Groups", &GroupScope::Deployment));
        assert_eq!(GroupRoles(read).to_text(), text);
        for bad in ["counter-west", "a=b", "a=b@", "a=b@shop", "a=b@shop:", "a=b@customer:10442", "=b@deployment", "a=@deployment", "a\u{1b}=b@deployment"] {
            assert_eq!(GroupRoles::from_text(bad), None, "{bad}");
        }
        assert_eq!(GroupRoles::from_text(""), Some(GroupRoles::default()));
    }
}
