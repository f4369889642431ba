//! A database with a shop, a customer, an asset and an administrator who is
//! signed in. For the fuzzer, and for the tests that take its corpora.

use std::path::{Path, PathBuf};

use countertop::api::ids::SessionId;
use countertop::api::session::UserKind;
use countertop::import::{Kind, Options, import};
use countertop::store::sessions::{self, NewSession};
use countertop::store::users::{self, NewGrant, UserRow};
use countertop::store::{At, Db, migrate};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// Of the administrator's session.
pub(crate) const TOKEN: &str = "the-token-of-the-fuzzer";

/// What there is at the beginning.
const FILES: [(Kind, &str); 4] = [
    (Kind::Shops, "code,name\nSLN,San Leandro\n"),
    (Kind::Customers, "number,name,shop\n10442,Keller Bau GmbH,SLN\n"),
    (Kind::Organizations, "code,name,customer_number,portal_enabled\nKELLER,Keller,10442,yes\n"),
    (Kind::Assets, "organization,asset_number,make\nKELLER,1042,Cat\n"),
];

pub(crate) struct Desk {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) db: Db,
    pub(crate) folder: PathBuf,
}

impl Desk {
    /// One that begins in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let db = runtime.block_on(filled(folder));
        Self { runtime, db, folder: folder.to_owned() }
    }

    /// One for a target, which ends without tidying up: beside all else that is
    /// built.
    #[cfg(fuzzing)]
    pub(crate) fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/desk/{target}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self::in_folder(&folder)
    }
}

async fn filled(folder: &Path) -> Db {
    let db = Db::open(&format!("sqlite://{}", folder.join("fuzz.db").display())).await.unwrap();
    migrate::migrate(&db).await.unwrap();
    for (kind, text) in FILES {
        let path = folder.join("first.csv");
        std::fs::write(&path, text).unwrap();
        let report = import(&db, kind, &path, &Options::default(), &mut |_, _| {}).await.unwrap();
        assert_eq!(report.added, 1, "{kind}");
    }
    let user = UserRow::new("admin", UserKind::Staff);
    let grant = NewGrant { role: "administrator".to_owned(), scope_kind: "deployment".to_owned(), ..NewGrant::default() };
    let session = NewSession {
        id: SessionId::new(),
        user: user.id,
        token_hash: Sha256::digest(TOKEN.as_bytes()).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}")),
        shop: None,
        customer: None,
        idle_micros: 1_000_000 * 3_600 * 24 * 30,
        ends_at: At(Timestamp::now() + SignedDuration::from_hours(24 * 30)),
        came_from: None,
    };
    let mut conn = db.write().await.unwrap();
    users::insert(&mut conn, &user, &[grant]).await.unwrap();
    sessions::open(&mut conn, &session).await.unwrap();
    conn.commit().await.unwrap();
    db
}
