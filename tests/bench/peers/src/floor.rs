//! `floor`: a bare server that writes the same page of hits from memory for
//! every request. No search over HTTP is faster. Calls nobody.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use clap::Args;
use countertop::api::customer::CustomerHit;
use countertop::api::page::Page;
use tokio::net::TcpListener;

/// Where it listens and what it says.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// On the loopback address; 0 takes a free one.
    #[arg(long)]
    port: u16,
    /// An answer of `GET /v1/customers`, as a file.
    #[arg(long)]
    body_file: PathBuf,
}

/// Serves until it is stopped.
pub(crate) fn run(options: &Options) -> Result<()> {
    let body = std::fs::read(&options.body_file).with_context(|| options.body_file.display().to_string())?;
    let page: Page<CustomerHit> = serde_json::from_slice(&body)?;
    let app = Router::new().fallback(answer).with_state(Arc::new(page));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        println!("http://{}", listener.local_addr()?);
        // A connection that cannot be told so is slower, and still served.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, app).await?;
        Ok(())
    })
}

async fn answer(State(page): State<Arc<Page<CustomerHit>>>) -> Response {
    match serde_json::to_vec(&*page) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
