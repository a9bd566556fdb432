// Every model and software profile that ships is read without a finding.
#include "scenario/toml_settings.hpp"
#include "workload/model.hpp"
#include "workload/software.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orrery {
namespace {

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

SettingsNode parse(const std::filesystem::path& path, Diagnostics& diagnostics) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return parse_toml(text.str(), path.string(), diagnostics).root;
}

void expect_none(const Diagnostics& diagnostics) {
  for (const Diagnostic& finding : diagnostics.all()) ADD_FAILURE() << to_string(finding);
}

TEST(ShippedModels, AreReadWithoutAFinding) {
  EXPECT_GE(files_in("models").size(), 30U);
  for (const auto& path : files_in("models")) {
    Diagnostics diagnostics;
    const SettingsNode root = parse(path, diagnostics);

    read_model(Settings(root, diagnostics));

    report_unread(root, diagnostics);
    expect_none(diagnostics);
  }
}

TEST(ShippedModels, CountTheirPublishedParametersWithinOnePerCentOrSayWhyNot) {
  for (const auto& path : files_in("models")) {
    Diagnostics diagnostics;
    const SettingsNode root = parse(path, diagnostics);
    const Model model = read_model(Settings(root, diagnostics));
    if (model.published_parameters <= 0.0 || root.find("parameters_note") != nullptr) continue;

    EXPECT_NEAR(count_parameters(model).total / model.published_parameters, 1.0, 0.01) << path;
  }
}

// Publishers count a token's parameters with the embedding or without.
TEST(ShippedModels, CountTheParametersOfATokenAsTheirPublishers) {
  for (const auto& path : files_in("models")) {
    Diagnostics diagnostics;
    const SettingsNode root = parse(path, diagnostics);
    const Model model = read_model(Settings(root, diagnostics));
    if (model.published_active <= 0.0) continue;
    const ParameterCount count = count_parameters(model);
    const double with = count.active / model.published_active;
    const double without = (count.active - count.embedding) / model.published_active;

    EXPECT_LT(std::min(std::abs(with - 1.0), std::abs(without - 1.0)), 0.07) << path;
  }
}

TEST(ShippedSoftware, IsReadWithoutAFinding) {
  for (const auto& path : files_in("models/software")) {
    Diagnostics diagnostics;
    const SettingsNode root = parse(path, diagnostics);

    read_software(Settings(root, diagnostics));

    report_unread(root, diagnostics);
    expect_none(diagnostics);
  }
}

}  // namespace
}  // namespace orrery
