//! Serves a desync store from a database, to measure how fast chunks are served and nothing else.
//!
//! `serve_chunks DATABASE-FILE CACHE-MIB ADDRESS [STORE]`: imports the chunks of the folder STORE first.

use std::path::Path;
use std::sync::Arc;

use vsekai_server::auth::AuthorizeUpload;
use vsekai_server::bundles::Bundles;
use vsekai_server::chunks::{Chunks, Options, StorageLocation};
use vsekai_server::db::{Change, Db, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_server::listen::{Limits, Tcp, serve};
use vsekai_server::model::{RepositoryFile, Time};
use vsekai_server::static_files::{self, StaticFiles};

#[derive(Debug)]
struct Closed;

#[async_trait::async_trait]
impl AuthorizeUpload for Closed {
    async fn authorize_upload(&self, _: &poem::Request) -> Result<uuid::Uuid> {
        Err(Error::Unauthorized)
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (database, cache, address, store) = match arguments.as_slice() {
        [database, cache, address] => (database, cache, address, None),
        [database, cache, address, store] => (database, cache, address, Some(store)),
        _ => return Err("serve_chunks DATABASE-FILE CACHE-MIB ADDRESS [STORE]".into()),
    };
    let db = vsekai_server::db::open(&format!("sqlite:{database}"), &Pools::default()).await?;
    let mut options = Options::new(StorageLocation::Database);
    options.cache_bytes = cache.parse::<u64>()? << 20;
    let chunks = Arc::new(Chunks::open(Arc::clone(&db), &options)?);
    if let Some(store) = store {
        take_in(&chunks, Path::new(store)).await?;
        publish(db.as_ref()).await?;
    }
    let bundles = Arc::new(Bundles::open(Arc::clone(&db), &options)?);
    let files =
        StaticFiles::new(chunks, bundles, db, Arc::new(Closed), Arc::default(), static_files::Options::default());
    let tcp = Tcp::bind(address.parse()?).await?;
    serve(tcp, files, &Limits::default(), std::future::pending()).await;
    Ok(())
}

async fn take_in(chunks: &Arc<Chunks>, store: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut uploads = tokio::task::JoinSet::new();
    for folder in std::fs::read_dir(store)? {
        for file in std::fs::read_dir(folder?.path())? {
            let path = file?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let (id, chunks) = (name.parse()?, Arc::clone(chunks));
            let until = Time::now().plus_seconds(86_400);
            let stored = std::fs::read(path)?.into();
            uploads.spawn(async move { chunks.put(id, stored, until).await });
            if uploads.len() >= 64 {
                uploads.join_next().await.transpose()?.transpose()?;
            }
        }
    }
    while let Some(upload) = uploads.join_next().await {
        upload??;
    }
    Ok(())
}

async fn publish(db: &dyn Db) -> Result<()> {
    let file = RepositoryFile { path: "tuf/timestamp.json".to_owned(), bytes: vec![b' '; 700] };
    let change = Change {
        revision: db.revision().await?,
        in_force: vec![file.path.clone()],
        files: vec![file],
        at: Time::now(),
        ..Change::default()
    };
    db.apply(&change).await.map(drop)
}
