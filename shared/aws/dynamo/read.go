package dynamo

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// get reads one item strongly; nil if there is none.
func get(ctx context.Context, db *dynamodb.Client, table string, key item, doing string) (item, error) {
	out, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return out.Item, nil
}

// scan reads the items of all pages, strongly. After an error there are no more.
func scan(ctx context.Context, db *dynamodb.Client, input *dynamodb.ScanInput, doing string) iter.Seq2[item, error] {
	input.ConsistentRead = aws.Bool(true)
	pages := dynamodb.NewScanPaginator(db, input)
	return paged(doing, pages.HasMorePages, func() ([]item, error) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	})
}

// query reads the items of all pages. After an error there are no more.
func query(ctx context.Context, db *dynamodb.Client, input *dynamodb.QueryInput, doing string) iter.Seq2[item, error] {
	pages := dynamodb.NewQueryPaginator(db, input)
	return paged(doing, pages.HasMorePages, func() ([]item, error) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	})
}

func paged(doing string, more func() bool, next func() ([]item, error)) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for more() {
			page, err := next()
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", doing, err))
				return
			}
			for _, found := range page {
				if !yield(found, nil) {
					return
				}
			}
		}
	}
}
