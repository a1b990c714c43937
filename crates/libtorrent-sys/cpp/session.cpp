// The session as a whole: its life, its settings, and what is asked of all torrents.
#include "libtorrent-sys/cpp/session.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/ip_filter.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/session_stats.hpp>

#include "libtorrent-sys/cpp/flat.hpp"
#include "libtorrent-sys/cpp/local_peers.hpp"
#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

namespace {

// The DHT's nodes and what extensions keep. Settings come from the caller at every start.
auto const kept_state = lt::session_handle::save_dht_state | lt::session_handle::save_extension_state;

void merge(lt::settings_pack& pack, rust::Slice<RawSetting const> settings) {
    for (auto const& setting : settings) {
        std::string const name(setting.name);
        int const index = lt::setting_by_name(name);
        if (index < 0) throw Failure("settings", 1, "unknown setting `" + name + "`");
        int const type = index & lt::settings_pack::type_mask;
        if (type == lt::settings_pack::int_type_base && setting.kind == 0) {
            if (setting.integer < std::numeric_limits<int>::min() || setting.integer > std::numeric_limits<int>::max())
                throw Failure("settings", 2, "setting `" + name + "` is out of range");
            pack.set_int(index, int(setting.integer));
        } else if (type == lt::settings_pack::bool_type_base && setting.kind == 1) {
            pack.set_bool(index, setting.integer != 0);
        } else if (type == lt::settings_pack::string_type_base && setting.kind == 2) {
            pack.set_str(index, std::string(setting.text));
        } else {
            throw Failure("settings", 3, "setting `" + name + "` has another type");
        }
    }
}

int index_of(rust::Str name, int type) {
    int const index = lt::setting_by_name(string_of(name));
    if (index < 0 || (index & lt::settings_pack::type_mask) != type)
        throw Failure("settings", 1, "there is no setting `" + string_of(name) + "` of this type");
    return index;
}

lt::address address_of(std::array<std::uint8_t, 16> const& bytes, bool is_v6) {
    if (is_v6) {
        lt::address_v6::bytes_type v6;
        std::copy(bytes.begin(), bytes.end(), v6.begin());
        return lt::address_v6(v6);
    }
    lt::address_v4::bytes_type v4;
    std::copy_n(bytes.begin(), v4.size(), v4.begin());
    return lt::address_v4(v4);
}

void signal(int event_fd) {
    std::uint64_t const one = 1;
    // The one error of a non-blocking eventfd is that it is full, and then it is readable.
    [[maybe_unused]] auto const written = ::write(event_fd, &one, sizeof(one));
}

}  // namespace

Session::Session(rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, int event_fd)
    : event_fd_(event_fd), local_peers_(std::make_shared<LocalPeers>()) {
    lt::session_params params;
    if (!state.empty()) params = lt::read_session_params(bytes(state), kept_state);
    params.settings = lt::default_settings();
    auto const alerts = lt::alert_category::error | lt::alert_category::status | lt::alert_category::storage
        | lt::alert_category::tracker;
    params.settings.set_int(lt::settings_pack::alert_mask, int(static_cast<std::uint32_t>(alerts)));
    merge(params.settings, settings);
    session_ = std::make_unique<lt::session>(std::move(params));
    session_->add_extension(local_peers_);
    // Runs on libtorrent's thread under its lock: it writes the eventfd and does nothing else.
    session_->set_alert_notify([event_fd] { signal(event_fd); });
}

Session::~Session() {
    try {
        shutdown();
    } catch (...) {
        // A destructor has nobody to tell.
    }
}

void Session::apply_settings(rust::Slice<RawSetting const> settings) const {
    with_session([&](lt::session& session) {
        lt::settings_pack pack;
        merge(pack, settings);
        session.apply_settings(std::move(pack));
    });
}

std::int64_t Session::int_setting(rust::Str name) const {
    return with_session([&](lt::session& session) -> std::int64_t {
        return session.get_settings().get_int(index_of(name, lt::settings_pack::int_type_base));
    });
}

bool Session::bool_setting(rust::Str name) const {
    return with_session([&](lt::session& session) {
        return session.get_settings().get_bool(index_of(name, lt::settings_pack::bool_type_base));
    });
}

rust::String Session::text_setting(rust::Str name) const {
    return with_session([&](lt::session& session) {
        return text_of(session.get_settings().get_str(index_of(name, lt::settings_pack::string_type_base)));
    });
}

rust::Vec<std::uint8_t> Session::save_state() const {
    return with_session([&](lt::session& session) {
        return vec(lt::write_session_params_buf(session.session_state(kept_state), kept_state));
    });
}

// libtorrent puts loopback and private addresses into its "local" peer class, which the session's limits do not bind.
void Session::limit_local_peers(bool on) const {
    with_session([&](lt::session& session) {
        auto const global = std::uint32_t(1) << std::uint32_t(lt::session_handle::global_peer_class_id);
        auto const local = std::uint32_t(1) << std::uint32_t(lt::session_handle::local_peer_class_id);
        lt::ip_filter filter;
        filter.add_rule(lt::make_address("0.0.0.0"), lt::make_address("255.255.255.255"), global);
        filter.add_rule(lt::make_address("::"), lt::make_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), global);
        if (!on)
            for (auto const& addresses : local_addresses()) filter.add_rule(addresses.first, addresses.second, local);
        session.set_peer_class_filter(filter);
    });
}

void Session::reconnect_local_peers() const {
    with_session([&](lt::session&) { local_peers_->let_go(); });
}

void Session::set_ip_filter(rust::Slice<RawRange const> blocked) const {
    with_session([&](lt::session& session) {
        lt::ip_filter filter;
        for (auto const& range : blocked)
            filter.add_rule(
                address_of(range.first, range.is_v6), address_of(range.last, range.is_v6), lt::ip_filter::blocked);
        session.set_ip_filter(std::move(filter));
    });
}

void Session::post_updates() const {
    with_session([&](lt::session& session) {
        session.post_torrent_updates(lt::torrent_handle::query_accurate_download_counters);
    });
}

void Session::post_stats() const {
    with_session([&](lt::session& session) { session.post_session_stats(); });
}

// libtorrent 2.0.8 posts no status of a torrent that did not change, so the pump asks for it when it comes by.
void Session::post_status(std::uint64_t key) const {
    with_torrent(key, [&](lt::torrent_handle const&) {
        std::lock_guard<std::mutex> const lock(keys_);
        asked_.insert(key);
    });
    wake();
}

void Session::post_all_status() const {
    with_session([&](lt::session&) {
        std::lock_guard<std::mutex> const lock(keys_);
        asked_all_ = true;
    });
    wake();
}

std::vector<lt::torrent_status> Session::take_asked(lt::session& session) const {
    std::vector<lt::torrent_handle> asked;
    bool all = false;
    {
        std::lock_guard<std::mutex> const lock(keys_);
        std::swap(all, asked_all_);
        for (auto const key : asked_) {
            auto const found = handles_.find(key);
            if (found != handles_.end()) asked.push_back(found->second);
        }
        asked_.clear();
    }
    auto const accurate = lt::torrent_handle::query_accurate_download_counters;
    if (all) return session.get_torrent_status([](lt::torrent_status const&) { return true; }, accurate);
    std::vector<lt::torrent_status> statuses;
    for (auto const& torrent : asked) {
        try {
            statuses.push_back(torrent.status(accurate));
        } catch (lt::system_error const&) {
            // It was removed in between.
        }
    }
    return statuses;
}

std::uint16_t Session::listen_port() const {
    return with_session([&](lt::session& session) -> std::uint16_t { return session.listen_port(); });
}

void Session::shutdown() const {
    guarded([&] {
        // A second caller waits for the first, so that the session has ended for both.
        std::lock_guard<std::mutex> const once(ending_);
        closing_ = true;
        std::unique_ptr<lt::session> ending;
        {
            std::unique_lock<std::shared_mutex> const alone(life_);
            ending = std::move(session_);
        }
        if (!ending) return;
        {
            std::lock_guard<std::mutex> const lock(keys_);
            handles_.clear();
            leaving_.clear();
            asked_.clear();
        }
        // The destructor aborts and joins libtorrent's threads; `stop_tracker_timeout` bounds it.
        ending.reset();
        // Whoever waits for alerts learns by the next pump that there will be none.
        wake();
    });
}

void Session::wake() const { signal(event_fd_); }

std::shared_ptr<Session> session_start(
    rust::Slice<RawSetting const> settings, rust::Slice<std::uint8_t const> state, std::int32_t event_fd) {
    return guarded([&] {
        // Another 2.x than that of the headers has other layouts, which would crash somewhere, some time.
        std::string const series = std::to_string(LIBTORRENT_VERSION_MAJOR) + "." + std::to_string(LIBTORRENT_VERSION_MINOR) + ".";
        if (std::string(lt::version()).rfind(series, 0) != 0)
            throw Failure("version", 1, "built for libtorrent " LIBTORRENT_VERSION " and loaded " + std::string(lt::version()));
        return std::make_shared<Session>(settings, state, event_fd);
    });
}

rust::Vec<RawMetric> stats_metrics() {
    return guarded([&] {
        rust::Vec<RawMetric> list;
        for (auto const& metric : lt::session_stats_metrics())
            list.push_back(RawMetric{text_of(metric.name), std::size_t(metric.value_index), metric.type == lt::metric_type_t::counter});
        return list;
    });
}

rust::String version() { return text_of(lt::version()); }

rust::String default_text(rust::Str name) {
    return guarded([&] {
        return text_of(lt::default_settings().get_str(index_of(name, lt::settings_pack::string_type_base)));
    });
}

rust::String header_version() { return text_of(LIBTORRENT_VERSION); }

}  // namespace revaer
