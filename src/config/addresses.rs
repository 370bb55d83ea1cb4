//! What browsers are told of the ways to us.

use std::net::SocketAddr;

use super::Config;

impl Config {
    /// The addresses of TURN in this process, in the order in which a browser should like them: UDP, then TCP, then TLS.
    ///
    /// TCP is the port of HTTP, which speaks TURN as well; it is named where browsers come to that very port: in a
    /// demonstration, and where the server speaks TLS itself. A proxy in front of us passes no TURN on.
    pub fn own_turn_urls(&self, http_addr: SocketAddr, udp: Option<SocketAddr>) -> Vec<String> {
        let announced = self.media_announce.unwrap_or(self.media_addr).ip();
        let host = |bound: SocketAddr| {
            let ip = if bound.ip().is_unspecified() { announced } else { bound.ip() };
            SocketAddr::new(ip, bound.port())
        };
        let mut urls = Vec::from_iter(udp.map(|bound| format!("turn:{}?transport=udp", host(bound))));
        let speaks_tls = self.tls_cert.is_some();
        if self.demo || speaks_tls {
            // By name where there is one: TLS is only good for the name that the certificate is for.
            let place = self.public_host().unwrap_or_else(|| host(http_addr).to_string());
            urls.push(format!("turn:{place}?transport=tcp"));
            urls.extend(speaks_tls.then(|| format!("turns:{place}?transport=tcp")));
        }
        urls
    }

    /// The address of the pages, without a slash at the end: the operator's, or that of the listener.
    pub fn base_url(&self, http_addr: SocketAddr) -> String {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let base = self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{http_addr}"));
        base.trim_end_matches('/').to_owned()
    }

    /// Name and port under which browsers reach the server: of `https://clinic.example` it is `clinic.example:443`.
    pub fn public_host(&self) -> Option<String> {
        let (scheme, rest) = self.public_url.as_deref()?.split_once("://")?;
        let host = rest.split('/').next().filter(|host| !host.is_empty())?;
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let port = if scheme == "https" { 443 } else { 80 };
        Some(if has_port { host.to_owned() } else { format!("{host}:{port}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config { demo: false, ..Config::demo_defaults() };
        config.media_announce = Some("203.0.113.7:8443".parse().unwrap());
        config.public_url = Some("https://clinic.example".to_owned());
        change(&mut config);
        config.own_turn_urls("0.0.0.0:8080".parse().unwrap(), Some("0.0.0.0:3478".parse().unwrap()))
    }

    #[test]
    fn behind_a_proxy_only_the_udp_port_is_named() {
        assert_eq!(urls(|_| ()), ["turn:203.0.113.7:3478?transport=udp"]);
    }

    #[test]
    fn where_the_server_speaks_tls_its_port_is_named_by_the_certificates_name() {
        let udp = "turn:203.0.113.7:3478?transport=udp";
        let tls = |config: &mut Config| config.tls_cert = Some("cert.pem".into());
        let named = [udp, "turn:clinic.example:443?transport=tcp", "turns:clinic.example:443?transport=tcp"];
        assert_eq!(urls(tls), named);
        let elsewhere = urls(|config| {
            tls(config);
            config.public_url = Some("https://clinic.example:9443/".to_owned());
        });
        assert_eq!(elsewhere[2], "turns:clinic.example:9443?transport=tcp");
    }

    #[test]
    fn a_demonstration_names_the_address_that_it_listens_on() {
        let demo = urls(|config| {
            config.demo = true;
            config.public_url = None;
        });
        assert_eq!(demo[1], "turn:203.0.113.7:8080?transport=tcp");
    }

    #[test]
    fn an_address_of_ipv6_keeps_its_brackets() {
        let config = Config { public_url: Some("https://[2001:db8::7]".to_owned()), ..Config::demo_defaults() };
        assert_eq!(config.public_host().unwrap(), "[2001:db8::7]:443");
    }
}
