import tasktalk as tt

data = tt.load("examples/reviews")
run = tt.train(data, "ic", out="runs/from-python", progress=False)
print(tt.evaluate(run, data)["test"]["mean"]["error"])
print(tt.predict(run, ["A gripping story, I recommend it."], task="books"))
