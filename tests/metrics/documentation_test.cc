// The page about metrics says what a scrape holds.
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "metrics/families.h"

namespace wgr::metrics {
namespace {

using testing::HasSubstr;

std::string read_source(const std::string& path) {
  std::ifstream file{std::string{WGR_SOURCE_DIR} + "/" + path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string row_of(const Family& family) {
  std::string labels;
  for (std::string_view rest = family.labels; !rest.empty();) {
    const std::size_t end = rest.find(' ');
    labels += (labels.empty() ? "`" : ", `") + std::string{rest.substr(0, end)} + "`";
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return "| `" + std::string{family.name} + "` | " + std::string{to_string(family.type)} + " | " + labels +
         " | " + std::string{family.help} + " |\n";
}

TEST(DocumentationTest, PageHasARowForEveryFamily) {
  const std::string page = read_source("deploy/docs/metrics.md");
  for (const Family& family : families()) EXPECT_THAT(page, HasSubstr(row_of(family)));
}

TEST(DocumentationTest, PageHasNoRowForAnythingElse) {
  const std::string page = read_source("deploy/docs/metrics.md");
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) ++rows;

  EXPECT_EQ(rows, families().size());
}

}  // namespace
}  // namespace wgr::metrics
