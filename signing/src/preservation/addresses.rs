//! Which addresses are asked: those of the public internet. A certificate may name any, and what
//! stands in a private network is nobody's from outside to make us call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::ports::StatusError;

/// Which networks may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// This machine too: the outside parties of a demo are played there.
    pub loopback: bool,
}

impl Reach {
    /// An address that may be asked: HTTP, no login in it, and, when it names no host but a number,
    /// a number that is allowed. Names are looked at when they are resolved.
    pub fn url(self, text: &str) -> Result<Url, StatusError> {
        let refuse = |why: &str| StatusError::Address(why.to_owned());
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it is not HTTP"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a login"));
        }
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if number.is_ok_and(|ip| !self.allows(ip)) {
            return Err(refuse("it is not on the public internet"));
        }
        Ok(url)
    }

    fn allows(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical(); // an IPv4 address in IPv6 clothes
        self.loopback && ip.is_loopback()
            || match ip {
                IpAddr::V4(ip) => is_public_v4(ip),
                IpAddr::V6(ip) => is_public_v6(ip),
            }
    }
}

/// Names lead only to addresses that are allowed; the connection is made to what was looked at.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// IANA special-purpose registry for IPv4 (RFC 6890), and multicast.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Global unicast without the ranges that lead back into IPv4 or nowhere.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let global_unicast = first & 0xe000 == 0x2000;
    let six_to_four = first == 0x2002;
    let teredo_orchid_benchmark = first == 0x2001 && second < 0x0200;
    let documentation = first == 0x2001 && second == 0x0db8 || first == 0x3fff;
    global_unicast && !six_to_four && !teredo_orchid_benchmark && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        let cases = [
            ("http://ocsp.example.it/", true),
            ("https://93.184.215.14:8080/crl", true),
            ("http://[2a00:1450:4002:400::200e]/", true),
            ("http://127.0.0.1/", false),
            ("http://2130706433/", false),
            ("http://0x7f.1/", false),
            ("http://0.0.0.0/", false),
            ("http://10.1.2.3/", false),
            ("http://172.16.0.1/", false),
            ("http://192.168.1.1/", false),
            ("http://169.254.169.254/latest/meta-data", false),
            ("http://100.64.0.1/", false),
            ("http://198.18.0.1/", false),
            ("http://224.0.0.1/", false),
            ("http://255.255.255.255/", false),
            ("http://[::1]/", false),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://[64:ff9b::a00:1]/", false),
            ("http://[fd00::1]/", false),
            ("http://[fe80::1]/", false),
            ("http://[2002:a00:1::1]/", false),
            ("http://[2001:db8::1]/", false),
            ("ldap://ldap.example.it/cn=crl", false),
            ("file:///etc/passwd", false),
            ("http://user:secret@example.it/", false),
            ("crl", false),
        ];
        for (url, asked) in cases {
            assert_eq!(Reach { loopback: false }.url(url).is_ok(), asked, "{url}");
        }
        let demo = Reach { loopback: true };
        assert!(demo.url("http://127.0.0.1:8080/ocsp").is_ok());
        assert!(demo.url("http://10.1.2.3/").is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed() {
        for (loopback, found) in [(false, false), (true, true)] {
            let name: Name = "localhost".parse().unwrap();
            let resolved = Reach { loopback }.resolve(name).await;
            assert_eq!(resolved.is_ok(), found, "{loopback}");
        }
    }
}
