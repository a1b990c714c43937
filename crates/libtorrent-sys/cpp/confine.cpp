// Resume data is believed by libtorrent further than is good: what follows was seen with 2.0.8.
#include <algorithm>

#include "libtorrent-sys/cpp/sources.hpp"

namespace revaer {

namespace {

constexpr std::int64_t block_bytes = 16 * 1024;

std::int64_t blocks_in(std::int64_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }

}  // namespace

void confine(lt::add_torrent_params& params) {
    // A file's other name may be absolute or climb out of the save path, and is written to. Nothing here renames files.
    params.renamed_files.clear();
    if (!params.ti) return;
    auto const& files = params.ti->files();

    // One bit for each block of a file; more of them than blocks are written behind the end of an array.
    auto& verified = params.verified_leaf_hashes;
    if (int(verified.size()) > files.num_files()) verified.resize(std::size_t(files.num_files()));
    for (auto const file : files.file_range()) {
        if (file >= verified.end_index()) break;
        auto const blocks = std::size_t(blocks_in(files.file_size(file)));
        if (verified[file].size() > blocks) verified[file].resize(blocks);
    }

    // One bit for each block of a piece; the last piece may have fewer than the others, and would count as never complete.
    for (auto entry = params.unfinished_pieces.begin(); entry != params.unfinished_pieces.end();) {
        auto& [piece, blocks] = *entry;
        if (piece < lt::piece_index_t(0) || piece >= files.end_piece()) {
            entry = params.unfinished_pieces.erase(entry);
            continue;
        }
        blocks.resize(int(std::min<std::int64_t>(blocks.size(), blocks_in(files.piece_size(piece)))));
        ++entry;
    }
}

}  // namespace revaer
