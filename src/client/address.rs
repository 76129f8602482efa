//! # Addresses: what is out there, and what is our own
//!
//! Whoever may say where a request goes must not reach what only this machine or its network can: its
//! other services, its neighbours, the metadata of a cloud. So only addresses of the public internet are
//! taken, and what somebody who runs the server allows besides.
//!
//! Promises
//! 1. An IPv4 address is judged the same however it is dressed: mapped, translated.
//! 2. What no registry has given to the public internet is not public: new kinds of private addresses
//!    need no change here, new public ones of IPv6 do.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Networks of IPv4 that nobody reaches over the public internet, or that are not one machine (RFC 6890
/// and what came after it).
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What there is of IPv6 in public, and what of that is not: tunnels, in which anything may be, and what
/// is for documents.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Where IPv4 is spoken to through IPv6 (RFC 6052): what is behind it counts.
const TRANSLATED: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether an address is one machine's of the public internet.
///
/// ```
/// use parlour::client::is_public;
///
/// assert!(is_public("1.1.1.1".parse().unwrap()));
/// assert!(is_public("2606:4700::1111".parse().unwrap()));
/// for ours in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"] {
///     assert!(!is_public(ours.parse().unwrap()), "{ours}");
/// }
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|net| is_in_v4(v4, *net)),
        IpAddr::V6(v6) => {
            is_in_v6(v6, PUBLIC_V6) && !NOT_PUBLIC_V6.iter().any(|net| is_in_v6(v6, *net))
        }
    }
}

/// The address that is spoken to in the end.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    if is_in_v6(v6, TRANSLATED) {
        return Ipv4Addr::from_bits(v6.to_bits() as u32).into();
    }
    v6.to_ipv4_mapped().map_or(address, IpAddr::V4)
}

fn is_in_v4(address: Ipv4Addr, (net, bits): (Ipv4Addr, u8)) -> bool {
    let differs = u64::from(address.to_bits() ^ net.to_bits());
    differs >> (32 - bits) == 0
}

fn is_in_v6(address: Ipv6Addr, (net, bits): (Ipv6Addr, u8)) -> bool {
    let differs = address.to_bits() ^ net.to_bits();
    bits == 0 || differs >> (128 - bits) == 0
}

/// Addresses that are allowed although they are not public: one, or a network.
///
/// ```
/// use parlour::client::Allowed;
///
/// let allowed: Allowed = "10.0.0.0/8".parse().unwrap();
/// assert!(allowed.has("10.1.2.3".parse().unwrap()));
/// assert!(!allowed.has("192.168.0.1".parse().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    net: IpAddr,
    bits: u8,
}

impl Allowed {
    /// Whether an address is one of them.
    pub fn has(self, address: IpAddr) -> bool {
        match (self.net, plain(address)) {
            (IpAddr::V4(net), IpAddr::V4(address)) => is_in_v4(address, (net, self.bits)),
            (IpAddr::V6(net), IpAddr::V6(address)) => is_in_v6(address, (net, self.bits)),
            _ => false,
        }
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no address or network, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8"
            )
        };
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits)),
        };
        let bare = address
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'));
        let net: IpAddr = bare.unwrap_or(address).parse().map_err(|_| wrong())?;
        let most = if net.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { net, bits })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.net, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public_is_what_the_registries_say() {
        let check = |text: &str, expected: bool| {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        };
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            check(text, true);
        }
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn what_is_allowed_is_one_address_or_a_network() {
        let has = |net: &str, address: &str| {
            net.parse::<Allowed>()
                .unwrap()
                .has(address.parse().unwrap())
        };
        assert!(has("127.0.0.1", "127.0.0.1") && !has("127.0.0.1", "127.0.0.2"));
        assert!(has("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(has("[::1]", "::1") && has("fd00::/8", "fd12::1") && !has("fd00::/8", "fe80::1"));
        assert!(has("0.0.0.0/0", "10.0.0.1") && !has("0.0.0.0/0", "::1") && has("::/0", "::1"));
        for bad in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::/129",
            "localhost",
            "1.2.3",
        ] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        /// The standard library knows these kinds; none of them is public, however it is dressed.
        #[test]
        fn nothing_of_our_own_is_public(bits: u32, pick in 0usize..6) {
            let low = bits & 0xffff;
            let bits = match pick {
                0 => 0x7f00_0000 | (bits & 0xff_ffff),
                1 => 0x0a00_0000 | (bits & 0xff_ffff),
                2 => 0xa9fe_0000 | low,
                3 => 0xc0a8_0000 | low,
                4 => 0xac10_0000 | (bits & 0xf_ffff),
                _ => bits,
            };
            let v4 = Ipv4Addr::from_bits(bits);
            let is_ours = v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()
                || v4.is_documentation();
            let is = is_public(v4.into());
            proptest::prop_assert!(!(is && is_ours), "{v4}");
            proptest::prop_assert!(pick == 5 || !is, "{v4}");
            let mapped = v4.to_ipv6_mapped();
            proptest::prop_assert_eq!(is_public(mapped.into()), is, "{}", mapped);
            let translated = Ipv6Addr::from_bits(TRANSLATED.0.to_bits() | u128::from(bits));
            proptest::prop_assert_eq!(is_public(translated.into()), is, "{}", translated);
        }

        #[test]
        fn nothing_of_our_own_is_public_in_ipv6(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            let is_ours = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified()
                || v6.is_unique_local() || v6.is_unicast_link_local();
            proptest::prop_assert!(!(is_public(v6.into()) && is_ours), "{v6}");
        }
    }
}
