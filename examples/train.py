"""Features to a tested model: the twin of netml's "Features to model"."""

from sklearn.model_selection import train_test_split

from plugin.netml import MODEL, OCSVM, dump_data, load_data

RANDOM_STATE = 42

# load data
(features, labels) = load_data("out/IAT-features.dat")

# split train and test sets
(
    features_train,
    features_test,
    labels_train,
    labels_test,
) = train_test_split(features, labels, test_size=0.33, random_state=RANDOM_STATE)

# create the detector
ocsvm = OCSVM(kernel="rbf", nu=0.5, random_state=RANDOM_STATE)
ocsvm.name = "OCSVM"
ndm = MODEL(ocsvm, score_metric="auc", verbose=10, random_state=RANDOM_STATE)

# learn what is usual from the train set
ndm.train(features_train)

# evaluate what was learned
ndm.test(features_test, labels_test)

# keep it: a folder, which `halia classify --model` takes
dump_data((ocsvm, ndm.history), out_file="out/OCSVM-results.dat")

# minutes, and the area under the ROC curve
print(ndm.train.tot_time, ndm.test.tot_time, ndm.score)
