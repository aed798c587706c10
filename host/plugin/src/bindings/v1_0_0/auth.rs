//! `auth`: requests are lent, verdicts taken over.

use super::{Pairs, exports::auth as wit, lend};
use crate::guest::Guest;
use model::auth as newest;
use wasmtime::Store;

pub(super) async fn ask(
    auth: &wit::Guest,
    store: &mut Store<Guest>,
    request: &newest::AuthRequest,
    config: &str,
) -> wasmtime::Result<Result<newest::Verdict, String>> {
    let peer_ip = request.peer_ip.to_string();
    let query: Pairs<'_> = request
        .query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let attributes = lend(&request.attributes);
    let request = wit::Request {
        action: match request.action {
            newest::AuthAction::Publish => wit::Action::Publish,
            newest::AuthAction::Read => wit::Action::Read,
            newest::AuthAction::Api => wit::Action::Api,
        },
        protocol: &request.protocol,
        stream: &request.stream,
        peer_ip: &peer_ip,
        peer_port: request.peer_port,
        user: request.user.as_deref(),
        token: request.token.as_deref(),
        query: &query,
        now_unix_ms: request.now_unix_ms,
        renewal: request.renewal,
        attributes: &attributes,
    };
    let answer = auth.call_authorize(store, request, config).await?;
    Ok(answer.map(newest::Verdict::from))
}

impl From<wit::Verdict> for newest::Verdict {
    fn from(verdict: wit::Verdict) -> Self {
        Self {
            allow: verdict.allow,
            reason: verdict.reason,
            stream: verdict.stream,
            max_bitrate_bps: verdict.max_bitrate_bps,
            max_duration_ms: verdict.max_duration_ms,
            max_readers: verdict.max_readers,
            ttl_ms: verdict.ttl_ms,
            attributes: verdict.attributes.into_iter().collect(),
        }
    }
}
