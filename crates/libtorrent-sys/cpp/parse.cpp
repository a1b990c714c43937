// Torrent files and magnet URIs, read: no session, no network, no files.
#include <libtorrent/magnet_uri.hpp>
#include <libtorrent/torrent_info.hpp>

#include "libtorrent-sys/cpp/flat.hpp"
#include "libtorrent-sys/cpp/session.hpp"
#include "libtorrent-sys/cpp/sources.hpp"
#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

template <typename Hash>
rust::Vec<std::uint8_t> hash_of(bool present, Hash const& hash) {
    rust::Vec<std::uint8_t> out;
    if (present)
        for (auto const byte : hash) out.push_back(std::uint8_t(byte));
    return out;
}

}  // namespace

RawMetainfo parse_metainfo(rust::Slice<std::uint8_t const> body, std::int32_t bytes_max, std::int32_t pieces_max,
    std::int32_t depth_max, std::int32_t tokens_max) {
    return guarded([&] {
        lt::load_torrent_limits limits;
        limits.max_buffer_size = bytes_max;
        limits.max_pieces = pieces_max;
        limits.max_decode_depth = depth_max;
        limits.max_decode_tokens = tokens_max;
        if (body.size() > std::size_t(bytes_max)) throw Failure("metainfo", 1, "the torrent file is too large");
        lt::torrent_info const info(bytes(body), limits, lt::from_span);
        RawMetainfo out;
        out.name = text_of(info.name());
        auto const hashes = info.info_hashes();
        out.v1 = hash_of(hashes.has_v1(), hashes.v1);
        out.v2 = hash_of(hashes.has_v2(), hashes.v2);
        out.total_size = std::uint64_t(info.total_size());
        out.piece_length = std::uint32_t(info.piece_length());
        out.piece_count = std::uint32_t(info.num_pieces());
        out.files = flat(info.files());
        for (auto const& tracker : info.trackers()) out.trackers.push_back(text_of(tracker.url));
        out.private_torrent = info.priv();
        out.comment = text_of(info.comment());
        return out;
    });
}

RawMagnet parse_magnet(rust::Str uri) {
    return guarded([&] {
        auto const params = magnet_of(std::string_view(uri.data(), uri.size()));
        RawMagnet out;
        out.name = text_of(params.name);
        out.v1 = hash_of(params.info_hashes.has_v1(), params.info_hashes.v1);
        out.v2 = hash_of(params.info_hashes.has_v2(), params.info_hashes.v2);
        for (auto const& tracker : params.trackers) out.trackers.push_back(text_of(tracker));
        for (auto const& peer : params.peers)
            out.peers.push_back(text_of(text_of_endpoint(peer)));
        return out;
    });
}

rust::String make_magnet(rust::Slice<std::uint8_t const> metainfo) {
    return guarded([&] {
        lt::torrent_info const info(bytes(metainfo), lt::load_torrent_limits{}, lt::from_span);
        return text_of(lt::make_magnet_uri(info));
    });
}

}  // namespace revaer
