// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Compares pages of docs/ about providers with the providers.
#ifndef PEERKIT_TESTS_PROVIDER_PAGE_HPP
#define PEERKIT_TESTS_PROVIDER_PAGE_HPP

#include <peerkit/discovery/provider_schema.hpp>
#include <peerkit/discovery/provider_table.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace peerkit_test {

/// The lines of all blocks of docs/`page` that are marked as `kind`.
inline std::vector<std::string> page_lines(std::string const& page, std::string_view kind) {
    std::ifstream text{PEERKIT_TEST_DATA "/../../docs/" + page};
    REQUIRE(text.is_open());
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("```")) {
            inside = line.substr(3) == kind;
        } else if (inside) {
            lines.push_back(line);
        }
    }
    return lines;
}
inline std::string kind_of(peerkit::discovery::provider_key const& key) {
    using enum peerkit::discovery::option_kind;
    switch (key.kind) {
    case text: return "text";
    case list: return "list";
    case words: return "words";
    case port: return "port";
    case number: return "number";
    case time: return "time";
    case flag: return "flag";
    case choice: break;
    }
    std::string all = "`" + std::string{key.choices} + "`";
    for (std::size_t at = 0; (at = all.find('|', at)) != std::string::npos;) all.replace(at, 1, "`, `");
    return all;
}
/// "section key kind" of every key, the section being the provider.
inline std::set<std::string> known_keys(peerkit::discovery::provider_table const& table) {
    std::set<std::string> known;
    for (auto const& one : table.providers()) {
        for (auto const& key : one.schema.keys)
            known.insert(std::string{one.schema.name} + " " + key.name + " " + kind_of(key));
    }
    return known;
}
/// Every one of them has its line in a table of the page, and there are no others.
inline void check_page_keys(std::string const& page, std::set<std::string> const& known) {
    std::ifstream text{PEERKIT_TEST_DATA "/../../docs/" + page};
    std::set<std::string> written;
    std::string section;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("#")) section = line.substr(line.find(' ') + 1);
        if (!line.starts_with("| `") || line.find("` | ") == std::string::npos) continue;
        std::string const key = line.substr(3, line.find('`', 3) - 3);
        std::string const kind = line.substr(line.find("` | ") + 4);
        written.insert(section + " " + key + " " + kind.substr(0, kind.find(" |")));
    }
    for (std::string const& line : known) CHECK_MESSAGE(written.count(line) == 1, line << " is not on the page");
    for (std::string const& line : written) {
        CHECK_MESSAGE((known.count(line) == 1 || line.starts_with("Lists ") || line.starts_with("What happens ")),
                      line << " is on the page only");
    }
}

} // namespace peerkit_test

#endif
