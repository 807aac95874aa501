// The documentation of the configuration says what the code does: every key, default, bound and variable.
#include <fstream>
#include <iterator>
#include <sstream>

#include "cmd/config_env_table.h"
#include "cmd/config_setting.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::HasSubstr;

std::string read_source(const std::string& path) {
  std::ifstream file{std::string{WGR_SOURCE_DIR} + "/" + path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string default_of(const Setting& setting) {
  std::string text;
  for (const std::string& item : setting.get(Config{})) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string variables_of(std::string_view path) {
  std::string text;
  for (const Variable& variable : variables()) {
    if (variable.path == path) text += (text.empty() ? "`" : ", `") + std::string{variable.name} + "`";
  }
  return text;
}

TEST(DocumentationTest, TableHasARowForEveryKey) {
  const std::string page = read_source("deploy/docs/configuration.md");
  for (const Setting& setting : settings()) {
    const std::string value = default_of(setting);
    const std::string row = "| `" + setting.path + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " +
                            setting.expected + " | " + variables_of(setting.path) + " | " + setting.help +
                            " |\n";
    EXPECT_THAT(page, HasSubstr(row)) << "ROW " << row;
  }
}

TEST(DocumentationTest, TableHasARowForEveryKeyOfAPeer) {
  const std::string page = read_source("deploy/docs/configuration.md");
  for (const PeerSetting& setting : peer_settings()) {
    const std::string row = "| `" + setting.path + "` | " + setting.expected + " | " + setting.help + " |\n";
    EXPECT_THAT(page, HasSubstr(row)) << "ROW " << row;
  }
}

// Entries of listeners, tokens, lan.networks and forwards: with their defaults.
template <typename Target>
void expect_rows(const std::string& page, const std::vector<BasicSetting<Target>>& table) {
  for (const BasicSetting<Target>& setting : table) {
    std::string value;
    for (const std::string& item : setting.get(Target{})) value += (value.empty() ? "" : ", ") + item;
    const std::string row = "| `" + setting.path + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " +
                            setting.expected + " | " + setting.help + " |\n";
    EXPECT_THAT(page, HasSubstr(row)) << "ROW " << row;
  }
}

TEST(DocumentationTest, TableHasARowForEveryKeyOfAnEntry) {
  const std::string page = read_source("deploy/docs/configuration.md");
  expect_rows(page, listener_settings());
  expect_rows(page, token_settings());
  expect_rows(page, lan_settings());
  expect_rows(page, forward_settings());
}

TEST(DocumentationTest, DefaultFileShowsEveryKeyOfAnEntry) {
  const std::string file = read_source("deploy/config/wgrouter.yaml");
  const auto expect_shown = [&](const auto& table) {
    for (const auto& setting : table) {
      const std::string name = setting.path.substr(setting.path.find('.') + 1);
      EXPECT_THAT(file, HasSubstr(" " + name + ": ")) << setting.path;
    }
  };
  expect_shown(listener_settings());
  expect_shown(token_settings());
  expect_shown(lan_settings());
  expect_shown(forward_settings());
}

TEST(DocumentationTest, EveryVariableIsNamed) {
  const std::string page = read_source("deploy/docs/configuration.md");
  for (const Variable& variable : variables()) {
    EXPECT_THAT(page, HasSubstr("`" + std::string{variable.name} + "`")) << variable.name;
  }
}

class DefaultFileTest : public ConfigTest {};

// In deploy/config/wgrouter.yaml a key that has a default stands behind "  #": with all of them
// uncommented the file must load and change nothing.
TEST_F(DefaultFileTest, DefaultFileShowsEveryKeyWithItsDefault) {
  const std::string file = read_source("deploy/config/wgrouter.yaml");
  std::string uncommented;
  std::istringstream lines{file};
  for (std::string line; std::getline(lines, line);) {
    uncommented += line.starts_with("  #") && line[3] != ' ' ? "  " + line.substr(3) + "\n" : line + "\n";
  }
  yaml(file);
  ASSERT_THAT(problems(), testing::IsEmpty());
  yaml(uncommented);
  ASSERT_THAT(problems(), testing::IsEmpty());
  const Config config = load();
  for (const Setting& setting : settings()) {
    const std::string name = setting.path.substr(setting.path.find('.') + 1);
    const auto is_shown = testing::AnyOf(HasSubstr("\n  #" + name + ": "), HasSubstr("\n  # " + name + ": "));
    EXPECT_THAT(file, is_shown) << setting.path << ": " << default_of(setting);
    if (setting.path == "processor.workers") continue;  // auto becomes a number
    EXPECT_EQ(setting.get(config), setting.get(Config{})) << setting.path;
  }
}

}  // namespace
}  // namespace wgr
