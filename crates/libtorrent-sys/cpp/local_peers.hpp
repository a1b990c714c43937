// The connections to peers with local addresses, so that they can be made anew.
//
// libtorrent puts a connection into its peer classes once, when it is made. Whoever changes the classes of local addresses has
// to let go of the connections that were made before.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include <libtorrent/address.hpp>
#include <libtorrent/extensions.hpp>
#include <libtorrent/peer_connection_handle.hpp>
#include <libtorrent/torrent_handle.hpp>

namespace revaer {

// What libtorrent calls local: loopback, private and link-local addresses.
std::vector<std::pair<lt::address, lt::address>> const& local_addresses();

class LocalPeers final : public lt::plugin, public std::enable_shared_from_this<LocalPeers> {
public:
    lt::feature_flags_t implemented_features() override { return tick_feature; }
    std::shared_ptr<lt::torrent_plugin> new_torrent(lt::torrent_handle const& torrent, lt::client_data_t) override;
    // Within a second. From any thread.
    void let_go() { asked_ = true; }
    void on_tick() override;
    void met(lt::torrent_handle const& torrent, lt::peer_connection_handle const& peer);

private:
    std::atomic<bool> asked_{false};
    // Of libtorrent's thread alone.
    std::vector<std::pair<lt::torrent_handle, lt::peer_connection_handle>> peers_;
    std::size_t look_through_at_ = 64;
};

}  // namespace revaer
