#include "validation/run_rows.hpp"

#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using testing::TableFile;

const std::string columns =
    "id,model,cluster,gpus,workload.sequence_length,workload.global_batch,strategy.tp,"
    "strategy.schedule,mfu_convention,measured.step_time_s\n";

/// Predictions for the rows of a table; every run takes two seconds and holds a gigabyte.
struct Predicted {
  std::vector<Prediction> rows;
  int runs = 0;
};

Predicted predict(const std::string& rows) {
  const TableFile file(columns + rows);
  Predicted out;
  RunRows predictor({.overrides = {}, .search_paths = {"."}}, [&](const Scenario&) {
    ++out.runs;
    return RunFigures{.step_time = Seconds(2.0), .peak_memory = Bytes(1'000'000'000)};
  });
  for (const MeasuredRow& row : file.read().rows) out.rows.push_back(predictor.predict(row));
  return out;
}

TEST(RunRows, PredictsEveryFigureThatTablesState) {
  const Predicted out = predict("A,llama2-7b,dgx-h100,8,4096,16,8,1f1b,,1\n");

  const auto& metrics = out.rows.at(0).metrics;
  EXPECT_DOUBLE_EQ(metrics.at("step_time_s"), 2.0);
  EXPECT_DOUBLE_EQ(metrics.at("tokens_per_s_per_gpu"), 16.0 * 4096.0 / 2.0 / 8.0);
  EXPECT_DOUBLE_EQ(metrics.at("peak_memory_bytes"), 1e9);
  EXPECT_NEAR(metrics.at("mfu"), metrics.at("model_tflops_per_gpu") / 989.0, 1e-3);
}

TEST(RunRows, CountsOperationsAsTheSourceDoes) {
  const Predicted out = predict(
      "A,llama2-7b,dgx-h100,8,4096,16,8,1f1b,full,1\n"
      "B,llama2-7b,dgx-h100,8,4096,16,8,1f1b,causal,1\n");

  EXPECT_LT(out.rows[1].metrics.at("mfu"), out.rows[0].metrics.at("mfu"));
}

TEST(RunRows, SimulatesAlikeRowsOnce) {
  const Predicted out = predict(
      "A,llama2-7b,dgx-h100,8,4096,16,8,1f1b,,1\n"
      "B,llama2-7b,dgx-h100,8,4096,16,8,1f1b,causal,2\n"
      "C,llama2-7b,dgx-h100,8,4096,32,8,1f1b,,1\n");

  EXPECT_EQ(out.runs, 2);
}

TEST(RunRows, ObjectsInTheWordsOfTheRules) {
  const Predicted out = predict(
      "A,llama2-7b,dgx-h100,8,4096,16,3,1f1b,,1\n"
      "C,llama2-7b,dgx-h1000,8,4096,16,8,1f1b,,1\n");

  EXPECT_THAT(out.rows[0].objection, HasSubstr("strategy.tp = 3"));
  EXPECT_THAT(out.rows[1].objection, HasSubstr("did you mean 'dgx-h100'"));
}

}  // namespace
}  // namespace orrery
