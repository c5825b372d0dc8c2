// libtorch has settings for the whole process and takes all its threads for one operation.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
