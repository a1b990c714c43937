// One torrent of the session, by its key: adding, steering, asking, removing.
#include <algorithm>
#include <utility>

#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/announce_entry.hpp>
#include <libtorrent/peer_info.hpp>
#include <libtorrent/read_resume_data.hpp>
#include <libtorrent/torrent_info.hpp>

#include "libtorrent-sys/cpp/flat.hpp"
#include "libtorrent-sys/cpp/session.hpp"
#include "libtorrent-sys/cpp/sources.hpp"
#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

// src/flags.rs states these numbers.
namespace flags = lt::torrent_flags;
static_assert(flags::seed_mode == lt::torrent_flags_t(1 << 0) && flags::upload_mode == lt::torrent_flags_t(1 << 1)
    && flags::share_mode == lt::torrent_flags_t(1 << 2) && flags::paused == lt::torrent_flags_t(1 << 4)
    && flags::auto_managed == lt::torrent_flags_t(1 << 5) && flags::update_subscribe == lt::torrent_flags_t(1 << 7)
    && flags::sequential_download == lt::torrent_flags_t(1 << 9)
    && flags::stop_when_ready == lt::torrent_flags_t(1 << 10)
    && flags::need_save_resume == lt::torrent_flags_t(1 << 13) && flags::disable_dht == lt::torrent_flags_t(1 << 19)
    && flags::disable_lsd == lt::torrent_flags_t(1 << 20) && flags::disable_pex == lt::torrent_flags_t(1 << 21)
    && flags::default_dont_download == lt::torrent_flags_t(1 << 23));

std::shared_ptr<lt::torrent_info> info_of(rust::Vec<std::uint8_t> const& metainfo) {
    return std::make_shared<lt::torrent_info>(bytes(metainfo), lt::load_torrent_limits{}, lt::from_span);
}

bool same_torrent(lt::info_hash_t const& one, lt::info_hash_t const& other) {
    if (one.has_v1() && other.has_v1() && one.v1 != other.v1) return false;
    if (one.has_v2() && other.has_v2() && one.v2 != other.v2) return false;
    return (one.has_v1() && other.has_v1()) || (one.has_v2() && other.has_v2());
}

lt::add_torrent_params source_of(RawAdd const& torrent) {
    lt::add_torrent_params params;
    lt::error_code error;
    switch (torrent.source) {
        case 0: params = magnet_of({torrent.magnet.data(), torrent.magnet.size()}); break;
        case 1: params.ti = info_of(torrent.metainfo); break;
        default: params = lt::read_resume_data(bytes(torrent.resume_data), error); break;
    }
    if (error) throw Failure(error);
    if (torrent.source == 2 && !torrent.metainfo.empty() && !params.ti) {
        auto const info = info_of(torrent.metainfo);
        if (!same_torrent(params.info_hashes, info->info_hashes()))
            throw Failure("resume data", 1, "the resume data is of another torrent");
        params.ti = info;
    }
    confine(params);
    return params;
}

// The priorities to add with: a file that resume data left out stays left out for the moment, and whether there is such a
// one. The ends of it that share a piece with a wanted file lie in the part file, and libtorrent moves them to where they
// belong only when a priority rises while the torrent is there; until then it would read zeros for them.
bool hold_back(std::vector<lt::download_priority_t>& wanted, std::vector<lt::download_priority_t> const& before) {
    bool held_back = false;
    for (std::size_t file = 0; file < std::min(wanted.size(), before.size()); ++file) {
        if (before[file] != lt::dont_download || wanted[file] == lt::dont_download) continue;
        wanted[file] = lt::dont_download;
        held_back = true;
    }
    return held_back;
}

rust::Vec<std::uint8_t> numbers_of(std::vector<lt::download_priority_t> const& priorities) {
    rust::Vec<std::uint8_t> list;
    list.reserve(priorities.size());
    for (auto const priority : priorities) list.push_back(static_cast<std::uint8_t>(priority));
    return list;
}

RawTracker flat(lt::announce_entry const& tracker) {
    // 0 not contacted, 1 working, 2 updating, 3 failing: the best of its endpoints.
    std::uint8_t status = 0;
    std::string message;
    for (auto const& endpoint : tracker.endpoints) {
        for (auto const& hash : endpoint.info_hashes) {
            if (hash.updating && status != 1) status = 2;
            else if (hash.fails > 0 && status == 0) status = 3;
            else if (hash.start_sent && hash.fails == 0) status = 1;
            if (!hash.message.empty()) message = hash.message;
            else if (hash.last_error) message = hash.last_error.message();
        }
    }
    return RawTracker{text_of(tracker.url), tracker.tier, status, text_of(message)};
}

}  // namespace

lt::torrent_handle Session::handle(std::uint64_t key) const {
    std::lock_guard<std::mutex> const lock(keys_);
    auto const found = handles_.find(key);
    if (found == handles_.end() || !found->second.is_valid())
        throw Failure("session", 2, "no torrent with key " + std::to_string(key));
    return found->second;
}

// An empty handle holds the place of a torrent that is being added.
void Session::reserve(std::uint64_t key) const {
    if (key == 0) throw Failure("session", 4, "the key of a torrent is not 0");
    std::lock_guard<std::mutex> const lock(keys_);
    if (!handles_.emplace(key, lt::torrent_handle()).second)
        throw Failure("session", 5, "there is a torrent with key " + std::to_string(key));
}

rust::Vec<std::uint8_t> Session::add(std::uint64_t key, RawAdd const& torrent) const {
    return with_session([&](lt::session& session) {
        auto params = source_of(torrent);
        params.save_path = path_of(rust::Str(torrent.save_path));
        auto const mask = lt::torrent_flags_t(torrent.mask);
        params.flags = (params.flags & ~mask) | (lt::torrent_flags_t(torrent.flags) & mask);
        params.flags |= lt::torrent_flags::duplicate_is_error;
        auto const wanted = priorities_of({torrent.file_priorities.data(), torrent.file_priorities.size()});
        bool held_back = false;
        rust::Vec<std::uint8_t> found;
        if (!wanted.empty()) {
            auto const before = std::exchange(params.file_priorities, wanted);
            held_back = hold_back(params.file_priorities, before);
            found = numbers_of(before);
            // Resume data has priorities of pieces too, and libtorrent applies them last.
            params.piece_priorities.clear();
        }
        params.download_limit = torrent.download_limit > 0 ? torrent.download_limit : -1;
        params.upload_limit = torrent.upload_limit > 0 ? torrent.upload_limit : -1;
        params.max_connections = torrent.connections_max > 0 ? torrent.connections_max : -1;
        params.max_uploads = torrent.upload_slots_max > 0 ? torrent.upload_slots_max : -1;
        for (auto const& tracker : torrent.trackers) params.trackers.emplace_back(tracker);
        params.tracker_tiers.resize(params.trackers.size(), 0);
        for (auto const& peer : torrent.peers) params.peers.push_back(endpoint_of(std::string(peer)));
        params.userdata = data_of(key);
        reserve(key);
        try {
            auto const handle = session.add_torrent(std::move(params));
            if (held_back) handle.prioritize_files(wanted);
            std::lock_guard<std::mutex> const lock(keys_);
            handles_[key] = handle;
            return found;
        } catch (...) {
            std::lock_guard<std::mutex> const lock(keys_);
            handles_.erase(key);
            throw;
        }
    });
}

void Session::remove(std::uint64_t key, bool delete_files) const {
    with_session([&](lt::session& session) {
        auto const torrent = handle(key);
        auto const hashes = torrent.info_hashes();
        {
            std::lock_guard<std::mutex> const lock(keys_);
            if (delete_files) leaving_[hashes.get_best()] = key;
            handles_.erase(key);
        }
        session.remove_torrent(torrent, delete_files ? lt::session_handle::delete_files : lt::remove_flags_t{});
    });
}

std::uint64_t Session::take_leaving(lt::info_hash_t const& hashes) const {
    std::lock_guard<std::mutex> const lock(keys_);
    auto const found = leaving_.find(hashes.get_best());
    if (found == leaving_.end()) return 0;
    auto const key = found->second;
    leaving_.erase(found);
    return key;
}

void Session::set_flags(std::uint64_t key, std::uint64_t flags, std::uint64_t mask) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        torrent.set_flags(lt::torrent_flags_t(flags), lt::torrent_flags_t(mask));
    });
}

void Session::set_file_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) { torrent.prioritize_files(priorities_of(priorities)); });
}

void Session::set_piece_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) { torrent.prioritize_pieces(priorities_of(priorities)); });
}

void Session::set_limits(std::uint64_t key, std::int32_t download, std::int32_t upload) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        torrent.set_download_limit(download > 0 ? download : -1);
        torrent.set_upload_limit(upload > 0 ? upload : -1);
    });
}

void Session::set_slots(std::uint64_t key, std::int32_t connections_max, std::int32_t upload_slots_max) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        torrent.set_max_connections(connections_max > 0 ? connections_max : -1);
        torrent.set_max_uploads(upload_slots_max > 0 ? upload_slots_max : -1);
    });
}

void Session::reannounce(std::uint64_t key) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        torrent.force_reannounce(0, -1, lt::torrent_handle::ignore_min_interval);
    });
}

void Session::recheck(std::uint64_t key) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) { torrent.force_recheck(); });
}

void Session::clear_error(std::uint64_t key) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) { torrent.clear_error(); });
}

void Session::move_storage(std::uint64_t key, rust::Str path) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        // A file that exists at the destination is never overwritten.
        torrent.move_storage(path_of(path), lt::move_flags_t::fail_if_exist);
    });
}

void Session::save_resume_data(std::uint64_t key, std::uint8_t how) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        lt::resume_data_flags_t flags{};
        if (how & 1) flags |= lt::torrent_handle::only_if_modified;
        if (how & 2) flags |= lt::torrent_handle::save_info_dict;
        if (how & 4) flags |= lt::torrent_handle::flush_disk_cache;
        torrent.save_resume_data(flags);
    });
}

// The flag of save_resume_data starts a flush and does not wait for it; this one answers when it is done.
void Session::flush(std::uint64_t key) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) { torrent.flush_cache(); });
}

void Session::connect_peer(std::uint64_t key, rust::Str address) const {
    with_torrent(key, [&](lt::torrent_handle const& torrent) {
        torrent.connect_peer(endpoint_of(string_of(address)));
    });
}

RawStatus Session::status(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        return revaer::flat(torrent.status(lt::torrent_handle::query_accurate_download_counters));
    });
}

rust::Vec<RawFile> Session::files(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        auto const info = torrent.torrent_file();
        if (!info) throw Failure("session", 3, "the metadata is not known yet");
        return revaer::flat(info->files());
    });
}

rust::Vec<std::uint64_t> Session::file_progress(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        std::vector<std::int64_t> progress;
        torrent.file_progress(progress, lt::torrent_handle::piece_granularity);
        rust::Vec<std::uint64_t> list;
        list.reserve(progress.size());
        for (auto const done : progress) list.push_back(std::uint64_t(done));
        return list;
    });
}

rust::Vec<std::uint8_t> Session::file_priorities(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        return numbers_of(torrent.get_file_priorities());
    });
}

rust::Vec<std::uint8_t> Session::piece_priorities(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        return numbers_of(torrent.get_piece_priorities());
    });
}

std::uint32_t Session::piece_length(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        auto const info = torrent.torrent_file();
        if (!info) throw Failure("session", 3, "the metadata is not known yet");
        return std::uint32_t(info->piece_length());
    });
}

rust::Vec<RawTracker> Session::trackers(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        rust::Vec<RawTracker> list;
        for (auto const& tracker : torrent.trackers()) list.push_back(flat(tracker));
        return list;
    });
}

rust::Vec<RawPeer> Session::peers(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        std::vector<lt::peer_info> peers;
        torrent.get_peer_info(peers);
        rust::Vec<RawPeer> list;
        for (auto const& peer : peers) {
            list.push_back(RawPeer{text_of(text_of_endpoint(peer.ip)), text_of(peer.client),
                std::uint32_t(peer.progress_ppm), std::uint64_t(peer.payload_down_speed),
                std::uint64_t(peer.payload_up_speed), bool(peer.flags & lt::peer_info::seed)});
        }
        return list;
    });
}

rust::Vec<std::uint8_t> Session::metainfo(std::uint64_t key) const {
    return with_torrent(key, [&](lt::torrent_handle const& torrent) {
        std::shared_ptr<lt::torrent_info const> info = torrent.torrent_file_with_hashes();
        // There is none while a piece layer is known in part.
        if (!info) info = torrent.torrent_file();
        if (!info) throw Failure("session", 3, "the metadata is not known yet");
        return vec(torrent_file_of(*info));
    });
}

}  // namespace revaer
