//! The news of a mode on a server: signed here with the mode's key, and sent whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::client::Server;
use super::remote_publication::RemotePublication;
use super::{code_of, pause};
use crate::error::Result;
use crate::formats::metadata_pack::PackQuery;
use crate::formats::news::News;
use crate::formats::release::ModeName;
use crate::net::api::NewsUpload;
use crate::net::publish::edit::Edited;
use crate::net::publish::history::History as _;
use crate::net::publish::news::{NewsEdit, change};
use crate::net::trust::{Committed, Keys};

/// Most attempts while other publishers of the mode are faster.
const MAX_TRIES: u32 = 8;

pub(in crate::net::publish) fn edit_news(
    server: &Server,
    keys: &Keys,
    mode: &ModeName,
    edits: &[NewsEdit],
) -> Result<Edited> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_edit(server, keys, mode, edits) {
            Err(error)
                if tries < MAX_TRIES && matches!(code_of(&error), Some("publication_stale" | "metadata_rollback")) =>
            {
                std::thread::sleep(pause(tries));
            }
            done => return done,
        }
    }
}

fn try_edit(server: &Server, keys: &Keys, mode: &ModeName, edits: &[NewsEdit]) -> Result<Edited> {
    let mut desk = RemotePublication::look(server, keys)?;
    desk.publication.check_not_expired()?;
    desk.publication.check_mode(mode.as_str())?;
    let before = desk.target(&News::target_name(mode))?;
    change(&mut desk.publication, mode, before.as_deref(), edits)?;
    let metadata = desk.publication.sign_only(mode.as_str())?;
    let name_of = |path: &str| match PackQuery::at(path) {
        Some(PackQuery::Target { name, .. }) => Some(name),
        _ => None,
    };
    let pending = desk.publication.pending().iter();
    let files = pending.filter_map(|(path, bytes)| Some((name_of(path)?, STANDARD.encode(bytes)))).collect();
    let upload = NewsUpload { metadata: STANDARD.encode(&metadata), files };
    server.put_news(mode, &upload)?;
    let committed = Committed { metadata_bytes: metadata.len() as u64, files: upload.files.len() as u64 + 1 };
    Ok(Edited { committed, roles: desk.publication.validity_after(mode.as_str())?, was_so: false })
}
