//! A shop to measure: the real server in this process, over a file that holds
//! the demo and many generated customers with their assets. Calls nobody here.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use countertop::api::operation;
use countertop::api::page::Nothing;
use countertop::api::session::SignIn;
use countertop::client::Client;
use countertop::demo;
use countertop::server::{Arrangements, Running, Transport, serve};
use countertop::store::{Db, migrate};
use tempfile::TempDir;

/// A shop that is open.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Its server.
    pub(crate) running: Running,
    /// Where the file is; it goes with the shop.
    _folder: TempDir,
}

impl Shop {
    /// Fills the file and serves it.
    pub(crate) async fn open(customers: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let db = Db::open(&format!("sqlite://{}", folder.path().join("shop.db").display())).await?;
        migrate::migrate(&db).await?;
        demo::fill(&db, &demo::Options { customers, ..demo::Options::default() }).await?;
        let running = serve(db, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Transport::Plain, Arrangements::default()).await?;
        Ok(Self { running, _folder: folder })
    }

    /// Signs a demo account in, and gives its token.
    pub(crate) async fn sign_in(&self, account: &str) -> Result<String> {
        let who = SignIn { username: account.to_owned(), password: demo::PASSWORD.to_owned() };
        let client = Client::new(&self.running.url(), None)?;
        Ok(client.call::<operation::SignIn>(&Nothing {}, &Nothing {}, &who).await?.token)
    }

    /// Ends the server.
    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.running.stop().await?)
    }
}
