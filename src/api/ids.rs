//! Ids of records: UUIDs of version 7, one type per record.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
            #[serde(transparent)]
            pub struct $name(pub Uuid);

            impl $name {
                /// A new id; later ones sort behind earlier ones.
                #[must_use]
                #[expect(clippy::new_without_default, reason = "a new id is never a default")]
                pub fn new() -> Self {
                    Self(Uuid::now_v7())
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(said: D) -> Result<Self, D::Error> {
                    Uuid::deserialize(said).map(Self).map_err(|_| D::Error::custom("this is no id"))
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = uuid::Error;

                fn from_str(text: &str) -> Result<Self, uuid::Error> {
                    text.parse().map(Self)
                }
            }
        )*

        /// Calls a macro with the names of all id types.
        #[cfg(feature = "server")]
        macro_rules! for_each_id {
            ($then:ident) => { $then! { $($name),* } };
        }
        #[cfg(feature = "server")]
        pub(crate) use for_each_id;
    };
}

ids! {
    /// A person who may sign in.
    UserId;
    /// One sign-in.
    SessionId;
    /// A role with its scope, given to a user.
    GrantId;
    /// A customer's person or department.
    ContactId;
    /// A customer's word that the dealer may act for it.
    ConsentId;
    /// A workshop terminal.
    KioskId;
    /// An owner of assets.
    OrganizationId;
    /// A dealer location.
    ShopId;
    /// A customer.
    CustomerId;
    /// A machine or vehicle.
    AssetId;
    /// A meter of an asset.
    MeterId;
    /// One reading of a meter.
    ReadingId;
    /// A request for service.
    RequestId;
    /// A known defect.
    RepairId;
    /// A sign-in under way at the dealer's identity provider.
    DeviceSignInId;
}
