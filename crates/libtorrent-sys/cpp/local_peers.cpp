// All of it runs on libtorrent's own thread, which calls plugins between two of its steps.
#include "libtorrent-sys/cpp/local_peers.hpp"

#include <algorithm>

#include <libtorrent/error_code.hpp>
#include <libtorrent/operations.hpp>

namespace revaer {

namespace {

bool is_local(lt::address const& address) {
    auto const& ranges = local_addresses();
    return std::any_of(ranges.begin(), ranges.end(), [&](auto const& range) {
        return range.first.is_v4() == address.is_v4() && !(address < range.first) && !(range.second < address);
    });
}

class Torrent final : public lt::torrent_plugin {
public:
    Torrent(std::shared_ptr<LocalPeers> peers, lt::torrent_handle torrent)
        : peers_(std::move(peers)), torrent_(std::move(torrent)) {}

    std::shared_ptr<lt::peer_plugin> new_connection(lt::peer_connection_handle const& peer) override {
        if (is_local(peer.remote().address())) peers_->met(torrent_, peer);
        return nullptr;
    }

private:
    std::shared_ptr<LocalPeers> const peers_;
    lt::torrent_handle const torrent_;
};

}  // namespace

std::vector<std::pair<lt::address, lt::address>> const& local_addresses() {
    static auto const ranges = [] {
        std::vector<std::pair<lt::address, lt::address>> list;
        auto const put = [&](char const* first, char const* last) {
            list.emplace_back(lt::make_address(first), lt::make_address(last));
        };
        put("10.0.0.0", "10.255.255.255");
        put("172.16.0.0", "172.31.255.255");
        put("192.168.0.0", "192.168.255.255");
        put("169.254.0.0", "169.254.255.255");
        put("127.0.0.0", "127.255.255.255");
        put("::1", "::1");
        put("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        put("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        return list;
    }();
    return ranges;
}

std::shared_ptr<lt::torrent_plugin> LocalPeers::new_torrent(lt::torrent_handle const& torrent, lt::client_data_t) {
    return std::make_shared<Torrent>(shared_from_this(), torrent);
}

void LocalPeers::met(lt::torrent_handle const& torrent, lt::peer_connection_handle const& peer) {
    if (peers_.size() >= look_through_at_) {
        // Those that are gone are forgotten in portions: the list is at most twice as long as the connections.
        auto const gone = [](auto const& known) { return !known.second.native_handle(); };
        peers_.erase(std::remove_if(peers_.begin(), peers_.end(), gone), peers_.end());
        look_through_at_ = std::max<std::size_t>(64, peers_.size() * 2);
    }
    peers_.emplace_back(torrent, peer);
}

void LocalPeers::on_tick() {
    if (!asked_.exchange(false)) return;
    auto met = std::exchange(peers_, {});
    for (auto& [torrent, peer] : met) {
        if (!peer.native_handle() || peer.is_disconnecting()) continue;
        peer.disconnect(lt::errors::optimistic_disconnect, lt::operation_t::bittorrent);
        try {
            // A peer that was let go of has to wait for a minute. Leaving the upload mode makes libtorrent forget since when.
            if (torrent.flags() & lt::torrent_flags::upload_mode) continue;
            torrent.set_flags(lt::torrent_flags::upload_mode);
            torrent.unset_flags(lt::torrent_flags::upload_mode);
        } catch (lt::system_error const&) {
            // The torrent left in between.
        }
    }
}

}  // namespace revaer
