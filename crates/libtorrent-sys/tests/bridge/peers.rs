//! Who may be connected to, how often, and under which limits.

use std::net::IpAddr;

use crate::support::{KEY, Node, add, payload, seeder};
use libtorrent_sys::{AddTorrent, AddressRange, EventKind, Format, Source, stats_metrics};
use tempfile::tempdir;

fn loopback() -> AddressRange {
    let [first, last] = ["127.0.0.0", "127.255.255.255"].map(|text| text.parse::<IpAddr>().unwrap());
    AddressRange::new(first, last).unwrap()
}

/// A counter of the session.
fn counted(node: &mut Node, name: &str) -> i64 {
    let place = stats_metrics().into_iter().find(|metric| metric.name == name).unwrap().place;
    node.stats.clear();
    node.session.post_stats().unwrap();
    node.until("counters", |node| node.stats.get(place).copied())
}

#[test]
fn blocked_address_is_not_connected_to_until_it_is_allowed_again() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    leech.session.set_ip_filter(&[loopback()]).unwrap();
    leech.session.add(KEY, &add(Source::Metainfo(metainfo), to.path())).unwrap();
    leech.until_status("downloading", |status| status.state == libtorrent_sys::State::Downloading);
    leech.session.connect_peer(KEY, seed.addr()).unwrap();
    leech.session.ping().unwrap();
    assert_eq!(leech.status().peers, 0);
    assert_eq!(leech.session.peers(KEY).unwrap(), []);
    leech.session.set_ip_filter(&[]).unwrap();
    leech.session.connect_peer(KEY, seed.addr()).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
}

#[test]
fn local_peers_that_are_let_go_of_connect_again_at_once() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    let torrent = AddTorrent {
        peers: vec![seed.addr()],
        download_bytes_per_second: Some(100_000),
        ..add(Source::Metainfo(metainfo), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.until_status("connected", |status| status.total_done > 0);
    let before = counted(&mut leech, "peer.disconnected_peers");
    leech.session.reconnect_local_peers().unwrap();
    leech.until("let go", |node| (counted(node, "peer.disconnected_peers") > before).then_some(()));
    // A peer that left would have to wait for a minute, twice the patience.
    leech.hear("finished", |kind| kind == EventKind::Finished);
}

#[test]
fn torrent_has_no_more_peers_than_its_slots() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let [mut one, mut two, mut three] = [(); 3].map(|()| seeder(from.path(), &metainfo));
    let mut leech = Node::start();
    let torrent = AddTorrent {
        peers: vec![one.addr(), two.addr(), three.addr()],
        download_bytes_per_second: Some(50_000),
        connections_max: Some(2),
        ..add(Source::Metainfo(metainfo), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.until_status("two of three", |status| status.peers == 2);
    leech.session.set_slots(KEY, None, Some(1)).unwrap();
    leech.until_status("all three", |status| status.peers == 3);
}
