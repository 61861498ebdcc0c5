// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Runs a fuzz target over the files of a corpus, where no fuzzer is at hand.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

bool read_file(std::filesystem::path const& path, std::vector<std::uint8_t>& bytes) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return false;
    bytes.clear();
    std::uint8_t block[4096];
    for (std::size_t got = 0; (got = std::fread(block, 1, sizeof block, file)) != 0;) {
        bytes.insert(bytes.end(), block, block + got);
    }
    bool const whole = std::ferror(file) == 0;
    std::fclose(file);
    return whole;
}

/// A copy of exactly the right size each time, so that a sanitizer sees the first byte read past the end.
void run_one(std::vector<std::uint8_t> const& bytes) {
    std::vector<std::uint8_t> const exact(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

} // namespace

/// Replays every file below the directories (or the files) named, each also cut short at every length up to 256 bytes.
int main(int argc, char** argv) {
    std::size_t files = 0;
    std::size_t inputs = 0;
    run_one({});
    for (int i = 1; i < argc; ++i) {
        std::error_code failed;
        std::vector<std::filesystem::path> paths;
        if (std::filesystem::is_directory(argv[i], failed)) {
            for (std::filesystem::recursive_directory_iterator at(argv[i], failed), end; !failed && at != end;
                 at.increment(failed)) {
                if (at->is_regular_file(failed)) paths.push_back(at->path());
            }
        } else {
            paths.emplace_back(argv[i]);
        }
        for (std::filesystem::path const& path : paths) {
            std::vector<std::uint8_t> bytes;
            if (!read_file(path, bytes)) {
                std::fprintf(stderr, "cannot read %s\n", path.c_str());
                return 1;
            }
            run_one(bytes);
            ++files;
            ++inputs;
            std::vector<std::uint8_t> shorter;
            for (std::size_t size = 0; size < bytes.size() && size < 256; ++size) {
                run_one(shorter);
                shorter.push_back(bytes[size]);
                ++inputs;
            }
        }
    }
    if (files == 0) {
        std::fprintf(stderr, "no corpus: name a directory with at least one file\n");
        return 1;
    }
    std::printf("%zu files, %zu inputs\n", files, inputs);
    return 0;
}
