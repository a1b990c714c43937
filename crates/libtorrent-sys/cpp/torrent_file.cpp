// A torrent file made of what a session knows.
//
// libtorrent's own `create_torrent` refuses a v2 torrent whose piece layers are not all there, yet a magnet has none of them
// when its metadata arrives, and fetches only those of files that are wanted. A torrent file may leave layers out: whoever
// reads it asks peers for them.
#include <map>
#include <string>

#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>

#include "libtorrent-sys/cpp/sources.hpp"

namespace revaer {

namespace {

void put_trackers(lt::entry& file, lt::torrent_info const& info) {
    if (info.trackers().empty()) return;
    std::map<int, lt::entry::list_type> tiers;
    for (auto const& tracker : info.trackers()) tiers[tracker.tier].emplace_back(tracker.url);
    file["announce"] = info.trackers().front().url;
    auto& list = file["announce-list"].list();
    for (auto& tier : tiers) list.emplace_back(std::move(tier.second));
}

void put_piece_layers(lt::entry& file, lt::torrent_info const& info) {
    if (!info.info_hashes().has_v2()) return;
    lt::entry::dictionary_type layers;
    bool missing = false;
    auto const& files = info.files();
    for (auto const index : files.file_range()) {
        // The hash of a single piece is the root itself.
        if (files.pad_file_at(index) || files.file_size(index) <= files.piece_length()) continue;
        auto const layer = info.piece_layer(index);
        if (layer.empty()) missing = true;
        else layers[files.root(index).to_string()] = std::string(layer.begin(), layer.end());
    }
    if (!missing || !layers.empty()) file["piece layers"] = std::move(layers);
}

}  // namespace

std::vector<char> torrent_file_of(lt::torrent_info const& info) {
    lt::entry file;
    auto const section = info.info_section();
    file["info"].preformatted().assign(section.begin(), section.end());
    put_trackers(file, info);
    put_piece_layers(file, info);
    for (auto const& seed : info.web_seeds())
        if (seed.type == lt::web_seed_entry::url_seed) file["url-list"].list().emplace_back(seed.url);
    if (!info.comment().empty()) file["comment"] = info.comment();
    if (!info.creator().empty()) file["created by"] = info.creator();
    if (info.creation_date() > 0) file["creation date"] = std::int64_t(info.creation_date());
    std::vector<char> body;
    lt::bencode(std::back_inserter(body), file);
    return body;
}

}  // namespace revaer
