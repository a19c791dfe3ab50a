//! A chunk arrives: the permission, the quota and the size are checked before its body is read and stored.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use vsekai_updater::formats::chunk::ChunkId;

use super::StaticFiles;
use crate::chunks::PutOutcome;
use crate::error::Result;
use crate::model::Time;

impl StaticFiles {
    pub(super) async fn upload(&self, id: ChunkId, request: &mut Request) -> Result<Response> {
        let token = self.authorizer.authorize_upload(request).await?;
        self.shares.check_disk(token).await?;
        let body = request.take_body();
        let read = self.shares.read(token, body, request.headers(), (self.chunks.max_stored_bytes(), 1)).await?;
        let keep_until = Time::now().plus_seconds(self.options.keep_s);
        let one = vec![(id, read.bytes.clone())];
        let status = match self.chunks.put_many(one, keep_until, None, &self.shares.checks(token)).await?[..] {
            [PutOutcome::New] => {
                self.shares.stored(token, read.bytes.len() as u64);
                StatusCode::CREATED
            }
            _ => StatusCode::OK,
        };
        let mut response = Response::default();
        response.set_status(status);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::ETAG, super::response::chunk_tag(&id));
        Ok(response)
    }
}
