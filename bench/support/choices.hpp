// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The command line of the scenario programs.
#ifndef PEERKIT_BENCH_SUPPORT_CHOICES_HPP
#define PEERKIT_BENCH_SUPPORT_CHOICES_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

/// `--name value` pairs. Without any a program measures its keys; with some it runs the one scenario they describe.
class choices {
public:
    /// Ends the program with `usage` on anything else than `--name value` with a name in `known`, "loss hours seed".
    choices(int count, char** words, std::string_view known, char const* usage) {
        std::string const names = " " + std::string{known} + " ";
        for (int i = 1; i < count; i += 2) {
            std::string_view const word = words[i];
            bool const named = word.substr(0, 2) == "--" && i + 1 < count &&
                               names.find(" " + std::string{word.substr(2)} + " ") != std::string::npos;
            if (!named) {
                std::fputs(usage, stderr);
                std::exit(2);
            }
            given_[std::string{word.substr(2)}] = words[i + 1];
        }
    }
    [[nodiscard]] bool none() const { return given_.empty(); }
    [[nodiscard]] bool has(std::string const& name) const { return given_.count(name) != 0; }
    [[nodiscard]] std::string text(std::string const& name, std::string otherwise) const {
        auto const at = given_.find(name);
        return at == given_.end() ? otherwise : at->second;
    }
    [[nodiscard]] double number(std::string const& name, double otherwise) const {
        auto const at = given_.find(name);
        return at == given_.end() ? otherwise : std::strtod(at->second.c_str(), nullptr);
    }
    [[nodiscard]] std::uint64_t count(std::string const& name, std::uint64_t otherwise) const {
        auto const at = given_.find(name);
        return at == given_.end() ? otherwise : std::strtoull(at->second.c_str(), nullptr, 10);
    }

private:
    std::map<std::string, std::string> given_;
};

#endif
