#include "report/json.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

Json example_json() { return Json::parse(to_json(Example().summary())); }

TEST(Json, HasEveryKeyOfTheContract) {
  const Json json = example_json();

  for (const char* key : {"scenario",
                          "strategy",
                          "feasible",
                          "verdicts",
                          "gpus_required",
                          "gpus_available",
                          "step_time_s",
                          "tokens_per_s",
                          "sequences_per_s",
                          "tokens_per_s_per_gpu",
                          "model_tflops_per_gpu",
                          "mfu",
                          "hfu",
                          "gpu_busy_fraction",
                          "bubble_fraction",
                          "time_s",
                          "memory",
                          "links",
                          "expects",
                          "simulation"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST(Json, NestsWhatTheContractNests) {
  const Json json = example_json();

  EXPECT_EQ(json["strategy"]["world_size"], 6);
  EXPECT_EQ(json["memory"]["peak_bytes"], 40'000'000'000);
  EXPECT_EQ(json["memory"]["peak_rank"], 1);
  EXPECT_EQ(json["memory"]["activations"], 10'000'000'000);
  EXPECT_EQ(json["links"][0]["class"], "nic");
  EXPECT_EQ(json["links"][0]["mean_utilization"], 0.2);
  EXPECT_EQ(json["simulation"]["events"], 42);
}

TEST(Json, TimesSumToTheStep) {
  const Json json = example_json();

  double sum = 0.0;
  for (const Json& part : json["time_s"]) sum += part.get<double>();
  EXPECT_EQ(json["time_s"].size(), 9U);
  EXPECT_NEAR(sum, json["step_time_s"].get<double>(), 1e-15);
}

TEST(Json, KeepsTypesWhateverTheValue) {
  const Json json = example_json();

  EXPECT_TRUE(json["feasible"].is_boolean());
  EXPECT_TRUE(json["step_time_s"].is_number_float());
  EXPECT_TRUE(json["strategy"]["tp"].is_number_integer());
}

TEST(Json, TellsVerdictsWithTheirRemedies) {
  Example example;
  example.set_memory(ClassId{2}, gb(8), gb(92));

  const Json verdict = Json::parse(to_json(example.summary()))["verdicts"][0];

  EXPECT_EQ(verdict["code"], "memory_exceeded");
  EXPECT_EQ(verdict["severity"], "error");
  EXPECT_FALSE(verdict["remedy"].get<std::string>().empty());
}

TEST(Json, TellsExpectationsWithTheirErrors) {
  Example example;
  example.scenario.expectations = {expect("step_time_s", 0.8), expect("feasible", 1.0)};

  const Json expects = Json::parse(to_json(example.summary()))["expects"];

  EXPECT_EQ(expects[0]["got"], 1.0);
  EXPECT_EQ(expects[0]["ok"], false);
  EXPECT_NEAR(expects[0]["error"].get<double>(), 0.25, 1e-12);
  EXPECT_EQ(expects[1]["got"], true);
  EXPECT_EQ(expects[1]["error"], nullptr);
}

TEST(Json, IsTheSameBytesForTheSameRun) {
  EXPECT_EQ(to_json(Example().summary()), to_json(Example().summary()));
}

TEST(Json, SurvivesANameThatIsNoUtf8) {
  Example example;
  example.scenario.name = "\xff";

  EXPECT_TRUE(Json::accept(to_json(example.summary())));
}

}  // namespace
}  // namespace orrery
