//! Who may ask through whom: pages of other origins, and proxies in front of the service. Nobody, unless it is set.

use ipnet::IpNet;

/// What is believed of a request, and whose pages may make one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Origins whose pages may use the API from a browser, such as `https://panel.example:8443`. Exact: there is no wildcard,
    /// since one would open the API to every page that the operator ever visits.
    pub cors_origins: Vec<String>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
}
