// What a torrent is added from, read with the care that libtorrent 2.0.8 leaves to its callers.
#pragma once

#include <string_view>
#include <vector>

#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/torrent_info.hpp>

#include "libtorrent-sys/cpp/failure.hpp"

namespace revaer {

// A magnet URI whose every hash is readable.
lt::add_torrent_params magnet_of(std::string_view uri);

// Cuts what resume data claims to what its torrent has.
void confine(lt::add_torrent_params& params);

// The torrent file of a torrent, with those piece layers that are known.
std::vector<char> torrent_file_of(lt::torrent_info const& info);

}  // namespace revaer
