// Files and folders, hashed into a torrent file.
#include <limits>

#include <libtorrent/bencode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/settings_pack.hpp>

#include "libtorrent-sys/cpp/flat.hpp"
#include "libtorrent-sys/cpp/session.hpp"
#include "libtorrent-sys/src/ffi.rs.h"

namespace revaer {

rust::Vec<std::uint8_t> create_metainfo(rust::Str path, std::uint8_t format, std::int32_t piece_length,
    rust::Slice<rust::String const> trackers, bool private_torrent) {
    return guarded([&] {
        std::string full = path_of(path);
        while (full.size() > 1 && full.back() == '/') full.pop_back();
        auto const slash = full.rfind('/');
        std::string const parent = slash == std::string::npos ? "." : slash == 0 ? "/" : full.substr(0, slash);
        lt::file_storage files;
        lt::add_files(files, full);
        if (files.num_files() == 0) throw Failure("metainfo", 2, "`" + full + "` holds no files");
        lt::create_flags_t flags{};
        if (format == 1) flags = lt::create_torrent::v1_only;
        if (format == 2) flags = lt::create_torrent::v2_only;
        lt::create_torrent torrent(files, piece_length, flags);
        for (auto const& tracker : trackers) torrent.add_tracker(std::string(tracker));
        torrent.set_priv(private_torrent);
        // Plain reads: a mapped file that somebody truncates meanwhile would kill the process.
        lt::settings_pack settings;
        settings.set_int(lt::settings_pack::mmap_file_size_cutoff, std::numeric_limits<int>::max());
        lt::set_piece_hashes(torrent, parent, settings, [](lt::piece_index_t) {});
        std::vector<char> buffer;
        lt::bencode(std::back_inserter(buffer), torrent.generate());
        return vec(buffer);
    });
}

}  // namespace revaer
