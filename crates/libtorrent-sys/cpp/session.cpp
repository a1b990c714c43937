// The session: settings, torrents by key, and questions to them.
#include "libtorrent-sys/cpp/session.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <limits>

#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/announce_entry.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/ip_filter.hpp>
#include <libtorrent/magnet_uri.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/peer_info.hpp>
#include <libtorrent/read_resume_data.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/session_stats.hpp>
#include <libtorrent/torrent_info.hpp>

#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

struct key_tag;

std::string string_of(rust::Str text) { return std::string(text.data(), text.size()); }

lt::settings_pack pack_of(rust::Slice<RawSetting const> settings) {
    lt::settings_pack pack;
    for (auto const& setting : settings) {
        std::string const name(setting.name);
        int const index = lt::setting_by_name(name);
        if (index < 0) throw failure("settings", 1, "unknown setting `" + name + "`");
        int const type = index & lt::settings_pack::type_mask;
        if (type == lt::settings_pack::int_type_base && setting.kind == 0) {
            if (setting.integer < std::numeric_limits<int>::min() || setting.integer > std::numeric_limits<int>::max())
                throw failure("settings", 2, "setting `" + name + "` is out of range");
            pack.set_int(index, int(setting.integer));
        } else if (type == lt::settings_pack::bool_type_base && setting.kind == 1) {
            pack.set_bool(index, setting.integer != 0);
        } else if (type == lt::settings_pack::string_type_base && setting.kind == 2) {
            pack.set_str(index, std::string(setting.text));
        } else {
            throw failure("settings", 3, "setting `" + name + "` has another type");
        }
    }
    return pack;
}

lt::tcp::endpoint endpoint_of(std::string const& text) {
    auto const colon = text.rfind(':');
    if (colon == std::string::npos) throw failure("address", 1, "`" + text + "` is not an address:port");
    std::string host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    lt::error_code error;
    auto const address = lt::make_address(host, error);
    if (error) throw failure(error);
    return {address, std::uint16_t(std::stoul(text.substr(colon + 1)))};
}

lt::status_flags_t const status_flags = lt::torrent_handle::query_accurate_download_counters;

}  // namespace

std::runtime_error failure(char const* category, int code, std::string const& message) {
    return std::runtime_error(std::string(category) + '\x1f' + std::to_string(code) + '\x1f' + message);
}

std::runtime_error failure(lt::error_code const& error) {
    return failure(error.category().name(), error.value(), error.message());
}

// Names and messages come from strangers and need not be UTF-8.
rust::String text_of(std::string const& text) { return rust::String::lossy(text); }

std::uint64_t key_of(lt::client_data_t data) { return reinterpret_cast<std::uint64_t>(data.get<key_tag>()); }

lt::span<char const> bytes(rust::Slice<std::uint8_t const> slice) {
    return {reinterpret_cast<char const*>(slice.data()), std::ptrdiff_t(slice.size())};
}

rust::Vec<std::uint8_t> vec(std::vector<char> const& buffer) {
    rust::Vec<std::uint8_t> out;
    out.reserve(buffer.size());
    for (char const c : buffer) out.push_back(std::uint8_t(c));
    return out;
}

RawStatus flat(lt::torrent_status const& status) {
    RawStatus flat{};
    flat.key = key_of(status.handle.userdata());
    flat.flags = std::uint64_t(status.flags);
    flat.state = std::uint8_t(status.state);
    flat.has_metadata = status.has_metadata;
    flat.is_finished = status.is_finished;
    flat.moving_storage = status.moving_storage;
    flat.need_save_resume = bool(status.need_save_resume);
    flat.progress_ppm = std::uint32_t(status.progress_ppm);
    flat.total_wanted = std::uint64_t(status.total_wanted);
    flat.total_wanted_done = std::uint64_t(status.total_wanted_done);
    flat.total_done = std::uint64_t(status.total_done);
    flat.all_time_download = std::uint64_t(status.all_time_download);
    flat.all_time_upload = std::uint64_t(status.all_time_upload);
    flat.download_payload_rate = std::uint64_t(status.download_payload_rate);
    flat.upload_payload_rate = std::uint64_t(status.upload_payload_rate);
    flat.peers = std::uint32_t(status.num_peers);
    flat.seeds = std::uint32_t(status.num_seeds);
    flat.pieces_have = std::uint32_t(status.num_pieces);
    flat.queue_position = int(status.queue_position);
    flat.error_code = status.errc ? status.errc.value() : 0;
    return flat;
}

rust::Vec<RawFile> flat(lt::file_storage const& files) {
    rust::Vec<RawFile> list;
    list.reserve(std::size_t(files.num_files()));
    for (auto const index : files.file_range()) {
        bool const pad = bool(files.file_flags(index) & lt::file_storage::flag_pad_file);
        list.push_back(RawFile{text_of(files.file_path(index)), std::uint64_t(files.file_size(index)), pad});
    }
    return list;
}

Session::Session(rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, int event_fd) {
    lt::session_params params;
    if (!state.empty()) {
        auto const kept = lt::session_handle::save_dht_state | lt::session_handle::save_extension_state;
        params = lt::read_session_params(bytes(state), kept);
    }
    params.settings = lt::default_settings();
    params.settings.set_int(lt::settings_pack::alert_mask,
        int(static_cast<std::uint32_t>(lt::alert_category::error | lt::alert_category::status
            | lt::alert_category::storage | lt::alert_category::tracker)));
    auto const pack = pack_of(settings);
    params.settings = [&] {
        auto merged = params.settings;
        for (auto const& setting : settings) {
            int const index = lt::setting_by_name(std::string(setting.name));
            if (setting.kind == 0) merged.set_int(index, pack.get_int(index));
            else if (setting.kind == 1) merged.set_bool(index, pack.get_bool(index));
            else merged.set_str(index, pack.get_str(index));
        }
        return merged;
    }();
    session_ = std::make_unique<lt::session>(std::move(params));
    // Runs on libtorrent's thread under its lock: it writes the eventfd and does nothing else.
    session_->set_alert_notify([event_fd] {
        std::uint64_t const one = 1;
        [[maybe_unused]] auto const written = ::write(event_fd, &one, sizeof(one));
    });
}

Session::~Session() {
    try {
        shutdown();
    } catch (...) {
        // A destructor has nobody to tell.
    }
}

lt::session& Session::live() const {
    std::lock_guard<std::mutex> const lock(mutex_);
    if (!session_) throw failure("session", 1, "the session was shut down");
    return *session_;
}

lt::torrent_handle Session::handle(std::uint64_t key) const {
    std::lock_guard<std::mutex> const lock(mutex_);
    if (!session_) throw failure("session", 1, "the session was shut down");
    auto const found = handles_.find(key);
    if (found == handles_.end() || !found->second.is_valid())
        throw failure("session", 2, "no torrent with key " + std::to_string(key));
    return found->second;
}

void Session::apply_settings(rust::Slice<RawSetting const> settings) const {
    guarded([&] { live().apply_settings(pack_of(settings)); });
}

std::int64_t Session::int_setting(rust::Str name) const {
    return guarded([&]() -> std::int64_t {
        int const index = lt::setting_by_name(string_of(name));
        if (index < 0 || (index & lt::settings_pack::type_mask) != lt::settings_pack::int_type_base)
            throw failure("settings", 1, "unknown setting `" + string_of(name) + "`");
        return live().get_settings().get_int(index);
    });
}

rust::Vec<std::uint8_t> Session::save_state() const {
    return guarded([&] {
        auto const kept = lt::session_handle::save_dht_state | lt::session_handle::save_extension_state;
        return vec(lt::write_session_params_buf(live().session_state(kept), kept));
    });
}

// libtorrent puts loopback and private addresses into its "local" peer class, which the session's limits do not bind.
void Session::limit_local_peers(bool on) const {
    guarded([&] {
        lt::ip_filter filter;
        auto const global = std::uint32_t(1) << std::uint32_t(lt::session_handle::global_peer_class_id);
        auto const local = std::uint32_t(1) << std::uint32_t(lt::session_handle::local_peer_class_id);
        auto const any4 = lt::make_address("0.0.0.0"), last4 = lt::make_address("255.255.255.255");
        auto const any6 = lt::make_address("::"), last6 = lt::make_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        filter.add_rule(any4, last4, global);
        filter.add_rule(any6, last6, global);
        if (!on) {
            for (auto const& range : {std::pair<char const*, char const*>{"10.0.0.0", "10.255.255.255"},
                     {"172.16.0.0", "172.31.255.255"}, {"192.168.0.0", "192.168.255.255"},
                     {"169.254.0.0", "169.254.255.255"}, {"127.0.0.0", "127.255.255.255"}})
                filter.add_rule(lt::make_address(range.first), lt::make_address(range.second), local);
            for (auto const& range : {std::pair<char const*, char const*>{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
                     {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, {"::1", "::1"}})
                filter.add_rule(lt::make_address(range.first), lt::make_address(range.second), local);
        }
        live().set_peer_class_filter(filter);
    });
}

void Session::add(std::uint64_t key, RawAdd const& torrent) const {
    guarded([&] {
        lt::add_torrent_params params;
        auto const slice = [](rust::Vec<std::uint8_t> const& body) {
            return lt::span<char const>(reinterpret_cast<char const*>(body.data()), std::ptrdiff_t(body.size()));
        };
        lt::error_code error;
        if (!torrent.resume_data.empty()) {
            params = lt::read_resume_data(slice(torrent.resume_data), error);
            if (error) throw failure(error);
        } else if (!torrent.magnet.empty()) {
            params = lt::parse_magnet_uri(std::string(torrent.magnet), error);
            if (error) throw failure(error);
        }
        if (!torrent.metainfo.empty() && !params.ti) {
            auto const info = std::make_shared<lt::torrent_info>(
                slice(torrent.metainfo), lt::load_torrent_limits{}, lt::from_span);
            if (!torrent.resume_data.empty() && params.info_hashes != lt::info_hash_t()
                && params.info_hashes.get_best() != info->info_hashes().get_best()
                && params.info_hashes.v1 != info->info_hashes().v1)
                throw failure("resume data", 1, "the resume data is of another torrent");
            params.ti = info;
        }
        params.save_path = std::string(torrent.save_path);
        auto const mask = lt::torrent_flags_t(torrent.mask);
        params.flags = (params.flags & ~mask) | (lt::torrent_flags_t(torrent.flags) & mask);
        params.flags |= lt::torrent_flags::duplicate_is_error;
        if (!torrent.file_priorities.empty()) {
            params.file_priorities.clear();
            for (auto const priority : torrent.file_priorities)
                params.file_priorities.push_back(lt::download_priority_t(priority));
        }
        params.download_limit = torrent.download_limit > 0 ? torrent.download_limit : -1;
        params.upload_limit = torrent.upload_limit > 0 ? torrent.upload_limit : -1;
        for (auto const& tracker : torrent.trackers) {
            params.trackers.emplace_back(tracker);
            params.tracker_tiers.resize(params.trackers.size(), 0);
        }
        for (auto const& peer : torrent.peers) params.peers.push_back(endpoint_of(std::string(peer)));
        // The number travels in the pointer itself; nobody looks behind it.
        params.userdata = lt::client_data_t(reinterpret_cast<key_tag*>(key));
        auto const handle = live().add_torrent(std::move(params));
        std::lock_guard<std::mutex> const lock(mutex_);
        handles_[key] = handle;
    });
}

void Session::remove(std::uint64_t key, bool delete_files) const {
    guarded([&] {
        auto const torrent = handle(key);
        live().remove_torrent(torrent, delete_files ? lt::session_handle::delete_files : lt::remove_flags_t{});
        std::lock_guard<std::mutex> const lock(mutex_);
        handles_.erase(key);
    });
}

void Session::set_flags(std::uint64_t key, std::uint64_t flags, std::uint64_t mask) const {
    guarded([&] { handle(key).set_flags(lt::torrent_flags_t(flags), lt::torrent_flags_t(mask)); });
}

void Session::set_file_priorities(std::uint64_t key, rust::Slice<std::uint8_t const> priorities) const {
    guarded([&] {
        std::vector<lt::download_priority_t> list;
        for (auto const priority : priorities) list.push_back(lt::download_priority_t(priority));
        handle(key).prioritize_files(list);
    });
}

void Session::set_limits(std::uint64_t key, std::int32_t download, std::int32_t upload) const {
    guarded([&] {
        auto const torrent = handle(key);
        torrent.set_download_limit(download > 0 ? download : -1);
        torrent.set_upload_limit(upload > 0 ? upload : -1);
    });
}

void Session::reannounce(std::uint64_t key) const {
    guarded([&] { handle(key).force_reannounce(0, -1, lt::torrent_handle::ignore_min_interval); });
}

void Session::recheck(std::uint64_t key) const {
    guarded([&] { handle(key).force_recheck(); });
}

void Session::clear_error(std::uint64_t key) const {
    guarded([&] { handle(key).clear_error(); });
}

void Session::move_storage(std::uint64_t key, rust::Str path) const {
    // A file that exists at the destination is never overwritten.
    guarded([&] { handle(key).move_storage(string_of(path), lt::move_flags_t::fail_if_exist); });
}

void Session::save_resume_data(std::uint64_t key, std::uint8_t how) const {
    guarded([&] {
        lt::resume_data_flags_t flags{};
        if (how & 1) flags |= lt::torrent_handle::only_if_modified;
        if (how & 2) flags |= lt::torrent_handle::save_info_dict;
        if (how & 4) flags |= lt::torrent_handle::flush_disk_cache;
        handle(key).save_resume_data(flags);
    });
}

void Session::connect_peer(std::uint64_t key, rust::Str address) const {
    guarded([&] { handle(key).connect_peer(endpoint_of(string_of(address))); });
}

void Session::post_updates() const {
    guarded([&] { live().post_torrent_updates(status_flags); });
}

void Session::post_stats() const {
    guarded([&] { live().post_session_stats(); });
}

std::uint16_t Session::listen_port() const {
    return guarded([&]() -> std::uint16_t { return live().listen_port(); });
}

RawStatus Session::status(std::uint64_t key) const {
    return guarded([&] { return flat(handle(key).status(status_flags)); });
}

rust::Vec<RawFile> Session::files(std::uint64_t key) const {
    return guarded([&] {
        auto const info = handle(key).torrent_file();
        if (!info) throw failure("session", 3, "the metadata is not known yet");
        return flat(info->files());
    });
}

rust::Vec<std::uint64_t> Session::file_progress(std::uint64_t key) const {
    return guarded([&] {
        std::vector<std::int64_t> progress;
        handle(key).file_progress(progress, lt::torrent_handle::piece_granularity);
        rust::Vec<std::uint64_t> list;
        for (auto const bytes : progress) list.push_back(std::uint64_t(bytes));
        return list;
    });
}

rust::Vec<std::uint8_t> Session::file_priorities(std::uint64_t key) const {
    return guarded([&] {
        rust::Vec<std::uint8_t> list;
        for (auto const priority : handle(key).get_file_priorities())
            list.push_back(static_cast<std::uint8_t>(priority));
        return list;
    });
}

rust::Vec<RawTracker> Session::trackers(std::uint64_t key) const {
    return guarded([&] {
        rust::Vec<RawTracker> list;
        for (auto const& tracker : handle(key).trackers()) {
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
            list.push_back(RawTracker{text_of(tracker.url), tracker.tier, status, text_of(message)});
        }
        return list;
    });
}

rust::Vec<RawPeer> Session::peers(std::uint64_t key) const {
    return guarded([&] {
        std::vector<lt::peer_info> peers;
        handle(key).get_peer_info(peers);
        rust::Vec<RawPeer> list;
        for (auto const& peer : peers) {
            bool const v6 = peer.ip.address().is_v6();
            auto const address = peer.ip.address().to_string();
            list.push_back(RawPeer{text_of((v6 ? "[" + address + "]" : address) + ":" + std::to_string(peer.ip.port())),
                text_of(peer.client), std::uint32_t(peer.progress_ppm), std::uint64_t(peer.payload_down_speed),
                std::uint64_t(peer.payload_up_speed), bool(peer.flags & lt::peer_info::seed)});
        }
        return list;
    });
}

rust::Vec<std::uint8_t> Session::metainfo(std::uint64_t key) const {
    return guarded([&] {
        auto const info = handle(key).torrent_file_with_hashes();
        if (!info) throw failure("session", 3, "the metadata is not known yet");
        std::vector<char> buffer;
        lt::create_torrent const torrent(*info);
        lt::bencode(std::back_inserter(buffer), torrent.generate());
        return vec(buffer);
    });
}

void Session::shutdown() const {
    guarded([&] {
        std::unique_ptr<lt::session> ending;
        {
            std::lock_guard<std::mutex> const lock(mutex_);
            ending = std::move(session_);
            handles_.clear();
        }
        // The destructor joins libtorrent's threads; `stop_tracker_timeout` bounds it.
        ending.reset();
    });
}

void Session::pop_alerts(std::vector<lt::alert*>& alerts) const { live().pop_alerts(&alerts); }

std::shared_ptr<Session> session_start(
    rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, std::int32_t event_fd) {
    return guarded([&] { return std::make_shared<Session>(settings, state, event_fd); });
}

rust::Vec<RawMetric> stats_metrics() {
    return guarded([&] {
        rust::Vec<RawMetric> list;
        for (auto const& metric : lt::session_stats_metrics())
            list.push_back(RawMetric{text_of(metric.name), std::size_t(metric.value_index)});
        return list;
    });
}

rust::String version() { return text_of(lt::version()); }

}  // namespace revaer
