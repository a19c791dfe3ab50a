//! Which proxy a request goes through, so that an error can name it.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::HttpOptions;
use crate::text;

/// Chooses as the library does: the given proxy, except for the hosts that need none, or those of environment and system.
pub(super) struct Proxies(Matcher);

impl Proxies {
    pub(super) fn of(options: &HttpOptions) -> Self {
        let Some(proxy) = &options.proxy else { return Self(Matcher::from_system()) };
        let direct = options.no_proxy.as_deref().unwrap_or_default();
        Self(Matcher::builder().all(proxy.as_str()).no(direct).build())
    }

    /// The proxy for this URL, without user and password; `None` if there is none.
    pub(super) fn serving(&self, url: &Url) -> Option<String> {
        let intercepted = self.0.intercept(&url.as_str().parse().ok()?)?;
        Some(text::address(intercepted.uri().to_string().trim_end_matches('/')))
    }
}
